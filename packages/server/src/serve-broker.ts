import { Broker, type FullBrokerConfig } from '@skylarkmq/broker'
import { DirectoryLocked, hostErrorCode, type Env } from '@skylarkmq/env'
import { DataDirectoryUnusable } from './errors.ts'
import { portError } from './port-error.ts'
import type { Role, RoleHost } from './role.ts'

/** A broker. `config.namesrvAddr` is completed by `ownNameServer` before it starts. */
export function brokerRole(
  { envFor, isEphemeral }: RoleHost,
  config: FullBrokerConfig,
  ownNameServer: () => string | undefined,
): Role {
  const serves: Partial<Record<keyof Role['serves'], unknown>> = {}
  let broker: Broker | undefined
  return {
    name: 'broker',
    serves: serves as Role['serves'],
    start: async () => {
      config.namesrvAddr = [ownNameServer(), config.namesrvAddr]
        .filter((each) => each !== undefined && each !== '')
        .join(';')
      const env = envFor()
      broker = new Broker(env, config)
      const { bindAddress: host, listenPort } = config
      const { port, fastPort } = await broker.listen().catch((error: unknown) => {
        throw portError(error, 'the broker', host, listenPort, '--broker-port')
      })
      if (!isEphemeral) useDirectory(env, config.storePathRootDir)
      await broker.start().catch((error: unknown) => {
        throw directoryError(error, config.storePathRootDir)
      })
      Object.assign(serves, {
        brokerAddr: broker.context?.address,
        brokerPort: port,
        fastPort,
        brokerName: config.brokerName,
        dataDirectory: isEphemeral ? undefined : config.storePathRootDir,
        broker,
      })
    },
    stop: () => broker?.stop(),
  }
}

function useDirectory(env: Env, directory: string): void {
  try {
    env.disk.makeDirectory(directory)
  } catch (error) {
    throw directoryError(error, directory)
  }
}

const DISK_PROBLEMS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'a file has that name',
  ENOSPC: 'the disk is full',
}

function directoryError(error: unknown, directory: string): unknown {
  if (error instanceof DirectoryLocked) {
    return new DataDirectoryUnusable({ directory, reason: `${error.holder} has it` }, error)
  }
  const reason = DISK_PROBLEMS[hostErrorCode(error) ?? '']
  return reason === undefined ? error : new DataDirectoryUnusable({ directory, reason }, error)
}

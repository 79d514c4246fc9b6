import { defineError } from '@skylarkmq/protocol'

/** A setting that cannot be used. */
export class BadSetting extends defineError<{ where: string; key: string; problem: string }>(
  'ERR_CONFIG_SETTING',
  {
    says: (v) => `${v.where}: ${v.key}: ${v.problem}`,
    does: 'Nothing was started or changed. Correct the setting and start again.',
    for: 'operator',
  },
) {}

/** A configuration file that cannot be read. */
export class ConfigUnreadable extends defineError<{ path: string; reason: string }>(
  'ERR_CONFIG_FILE',
  {
    says: (v) => `the configuration file ${v.path} cannot be read: ${v.reason}`,
    does: 'Nothing was started or changed. Check the path after -c.',
    for: 'operator',
  },
) {}

/** A port that another program has, or that this user may not open. */
export class PortUnavailable extends defineError<{
  what: string
  host: string
  port: number
  reason: string
  flag: string
}>('ERR_PORT', {
  says: (v) => `${v.what} cannot listen on ${v.host}:${v.port}: ${v.reason}`,
  does: 'Nothing was changed. Stop the other program, or choose another port.',
  for: 'operator',
}) {}

/** A data directory that cannot be used. */
export class DataDirectoryUnusable extends defineError<{ directory: string; reason: string }>(
  'ERR_DATA_DIRECTORY',
  {
    says: (v) => `the data directory ${v.directory} cannot be used: ${v.reason}`,
    does: 'Nothing was changed. Choose another directory with --data, or stop the process that has this one.',
    for: 'operator',
  },
) {}

import { defineError } from '@skylarkmq/protocol'

/** The file of the KV configuration is not in the name server's format. */
export class KvConfigCorrupt extends defineError<{ path: string; reason: string }>(
  'ERR_NAMESRV_KV_FILE',
  {
    says: (v) => `${v.path} cannot be read: ${v.reason}`,
    does: 'Nothing was changed. Restore the file from a backup, or remove it to start without settings.',
    for: 'operator',
  },
) {}

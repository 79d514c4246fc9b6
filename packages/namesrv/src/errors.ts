import { defineError } from '@skylarkmq/protocol'

/** The file of the KV configuration holds something that is not what the name server writes there. */
export class KvConfigCorrupt extends defineError<{ path: string; reason: string }>(
  'ERR_NAMESRV_KV_FILE',
  {
    says: (v) => `${v.path} cannot be read: ${v.reason}`,
    does: 'Nothing was changed. Restore the file from a copy, or remove it to begin without settings.',
    for: 'operator',
  },
) {}

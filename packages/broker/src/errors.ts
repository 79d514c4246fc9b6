import { defineError } from '@skylarkmq/protocol'

/** A file of `config/` and its backup hold something that is not what the broker writes there. */
export class ConfigFileCorrupt extends defineError<{ path: string; reason: string }>(
  'ERR_BROKER_CONFIG_FILE',
  {
    says: (v) => `${v.path} cannot be read: ${v.reason}`,
    does: 'Nothing was changed. Restore the file from its .bak or a copy, or remove both to begin with an empty table.',
    for: 'operator',
  },
) {}

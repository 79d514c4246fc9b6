import { int, oneOf, orNone, hostProblem, text, type Option } from '@skylarkmq/protocol'

const EXPORTERS = ['DISABLE', 'OTLP_GRPC', 'PROM', 'LOG'] as const
type Exporter = (typeof EXPORTERS)[number]

/** Where a server shows its metrics, under Apache's keys. `isQuiet` where Apache does not print them. */
export function metricsOptions(isQuiet: boolean) {
  const quiet = isQuiet ? { isQuiet } : {}
  return {
    metricsExporterType: exporterType(quiet),
    metricsPromExporterPort: int({
      default: 5557,
      min: 0,
      max: 65_535,
      ...quiet,
      doc: 'Port of the metrics, with `metricsExporterType=PROM` or `--metrics-port`; 0 takes a free one.',
    }),
    metricsPromExporterHost: text({
      default: '',
      problem: orNone(hostProblem),
      ...quiet,
      doc: 'Address on which the metrics are shown; without one, that on which the server listens.',
    }),
    metricsLabel: text({
      default: '',
      ...quiet,
      doc: 'Labels that every series of the broker gets besides: `zone:a,rack:b`.',
    }),
  }
}

/** A word or, as Apache takes it too, its number. */
function exporterType(quiet: { readonly isQuiet?: boolean }): Option<Exporter> {
  const plain = oneOf(EXPORTERS, {
    default: 'DISABLE',
    ...quiet,
    doc: '`PROM` shows metrics over HTTP. `OTLP_GRPC` and `LOG` are not built: they export nothing.',
  })
  return { ...plain, parse: (word) => plain.parse(EXPORTERS[Number(word || 'none')] ?? word) }
}

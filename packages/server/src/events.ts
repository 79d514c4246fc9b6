import { defineEvent } from '@skylarkmq/env'

/** The port of the metrics cannot be had. */
export const metricsNotShown = defineEvent({
  name: 'server.metrics.not-shown',
  level: 'warn',
  fields: {
    address: 'Host and port.',
    reason: "The host's error.",
  },
  says: 'there are no metrics on {address}: {reason}; the servers run without. Choose another port with --metrics-port or metricsPromExporterPort',
})

/** A page of metrics could not be written to its end. */
export const metricsFailed = defineEvent({
  name: 'server.metrics.failed',
  level: 'error',
  fields: {
    path: 'Path of the page.',
    reason: 'What was thrown.',
  },
  says: 'the page {path} of the metrics ended too early: {reason}',
})

/** The configuration asks for metrics in a form that is not built. */
export const metricsFormAbsent = defineEvent({
  name: 'server.metrics.form-absent',
  level: 'warn',
  fields: { form: 'The value of metricsExporterType.' },
  says: 'no metrics are exported: metricsExporterType={form} is not built. With PROM they are shown over HTTP, from where a collector of OpenTelemetry takes them too',
})

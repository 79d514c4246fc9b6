/** Prints the bench's one table. */

/** The middle value, or the mean of the two in the middle. */
export function medianOf(list) {
  const sorted = [...list].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

function number(value) {
  if (value >= 1000) return Math.round(value).toLocaleString('en')
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}

/** `min/median/max`. */
function range(list) {
  return [Math.min(...list), medianOf(list), Math.max(...list)].map(number).join('/')
}

function latency(micros) {
  return micros >= 1000 ? `${number(micros / 1000)} ms` : `${number(micros)} us`
}

function workloadRow({ name, bar }, subjects) {
  const cells = [`${name}, cpu-s/M`]
  const medians = []
  for (const { figures } of subjects) {
    const list = figures.get(name)
    const of = (key) => medianOf(list.map((one) => one[key]))
    medians.push(of('cpuPerMillion'))
    cells.push(range(list.map((one) => one.cpuPerMillion)))
    cells.push(
      `${number(of('perSecond'))}; ${latency(of('p50Micros'))}; ${latency(of('p99Micros'))}`,
    )
  }
  if (medians.length === 2) cells.splice(3, 0, ratioOf(medians[0], medians[1], bar))
  return cells
}

/** How many times less; with the bar, when it is not reached. */
function ratioOf(first, second, bar) {
  const ratio = (first / second).toFixed(1)
  return bar === undefined || first / second >= bar ? ratio : `${ratio} (of ${bar})`
}

/** A row of one figure per make: `pick` takes it from a subject. */
function plainRow(name, subjects, unit, pick) {
  const values = subjects.map(pick)
  const cells = [name]
  for (const value of values) cells.push(`${number(value)} ${unit}`, '')
  if (values.length === 2) cells.splice(3, 0, (values[0] / values[1]).toFixed(1))
  return cells
}

function ordered(cells, count) {
  // With two makes: name, figure of each, ratio, then what throughput and latency each had.
  if (count !== 2) return cells
  const [name, first, firstMore, ratio, second, secondMore] = cells
  return [name, first, second, ratio, firstMore, secondMore]
}

/** Prints a Markdown table: one row per workload, then memory and start. */
export function printTable(subjects, workloads, machine) {
  const makes = subjects.map(({ make }) => make)
  const head =
    makes.length === 2
      ? ['', ...makes, 'ratio', ...makes.map((make) => `${make}: msg/s; p50; p99`)]
      : ['', makes[0], `${makes[0]}: msg/s; p50; p99`]
  const rows = [
    ...workloads.map((workload) => ordered(workloadRow(workload, subjects), makes.length)),
    ...[
      ['start to a route at the name server', 's', (one) => one.start.readySeconds],
      ['CPU to ready', 'cpu-s', (one) => one.start.readyCpuSeconds],
      ['resident when ready', 'MiB', (one) => one.start.readyMemory.residentMiB],
      ['resident after load', 'MiB', (one) => one.memory.residentMiB],
      ['anonymous after load', 'MiB', (one) => one.memory.anonymousMiB],
      ['idle', '% of a core', (one) => one.idle * 100],
    ].map(([name, unit, pick]) => ordered(plainRow(name, subjects, unit, pick), makes.length)),
  ]
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i].length)))
  const line = (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`
  console.log(
    `\n${machine}\ncpu-s/M: CPU seconds of the broker per million messages, min/median/max\n`,
  )
  console.log(line(head))
  console.log(`| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`)
  for (const row of rows) console.log(line(row))
}

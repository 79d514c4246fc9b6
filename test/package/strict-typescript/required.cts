/** The same types, from a module that is CommonJS. */
import client = require('@skylarkmq/client')

/** A client of a name server. */
export function connect(nameServers: string): client.RocketMQ {
  const options: client.RocketMQOptions = { nameServers }
  return new client.RocketMQ(options)
}

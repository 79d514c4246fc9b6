/** The topic that the commands make and use. */
export const topic = 'admin-topic'

/** The consumer group that they make and use. */
export const group = 'admin-group'

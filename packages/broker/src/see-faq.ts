/** What Apache puts behind some remarks; programs cut it off there. Apache: `FAQUrl.java`, suggestTodo. */
export const SEE_FAQ =
  '\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.'

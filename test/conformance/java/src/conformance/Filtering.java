package conformance;

import static conformance.Session.LIMIT_MS;
import static conformance.Session.facts;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** What consumers get by SQL92 expressions. The broker allows them after its restart. */
final class Filtering {
    private Filtering() {}

    static List<Conformance.Row> rows() {
        return Conformance.list(
            "sql-retry-after-restart", Conformance.of(Filtering::retry),
            "sql-push-after-restart", Conformance.of(Filtering::push),
            "sql-lite-pull-after-restart", Conformance.of(Filtering::litePull));
    }

    /** Ten messages by which orders differ in size and colour; one has neither. */
    private static void sendAll(DefaultMQProducer producer, MessageQueue queue) throws Exception {
        String[] colours = {"red", "green", "blue"};
        for (int i = 0; i < 9; i++) {
            Message message = new Message(queue.getTopic(), i % 2 == 0 ? "even" : "odd", ("order" + i).getBytes());
            message.putUserProperty("size", String.valueOf(i));
            message.putUserProperty("colour", colours[i % 3]);
            producer.send(message, queue);
        }
        producer.send(new Message(queue.getTopic(), "plain".getBytes()), queue);
    }

    private static DefaultMQPushConsumer consume(Session s, String group, String topic, String expression,
        MessageListenerConcurrently listener) throws Exception {
        DefaultMQPushConsumer consumer = s.pushConsumer(group);
        consumer.subscribe(topic, MessageSelector.bySql(expression));
        consumer.registerMessageListener(listener);
        consumer.start();
        return consumer;
    }

    private static Map<String, Object> push(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 1);
        String topic = queues.get(0).getTopic();
        sendAll(s.producer(), queues.get(0));
        Map<String, Integer> expected = new LinkedHashMap<>();
        expected.put("size >= 3 AND size < 6", 3);
        expected.put("colour = 'red' AND TAGS <> 'odd'", 2);
        expected.put("size IS NULL OR size IN ('0', '8')", 3);
        expected.put("colour STARTSWITH 'bl' and not (size between 0 and 4)", 2);
        expected.put("colour NOT IN ('red') /* what is left */ AND size <> 1", 5);
        expected.put("TAGS = 'odd' OR (colour ENDSWITH 'n' AND size > 3.5)", 5);
        Map<String, Tally> tallies = new LinkedHashMap<>();
        int group = 0;
        for (String expression : expected.keySet()) {
            Tally tally = new Tally();
            tallies.put(expression, tally);
            consume(s, s.name("group" + group++), topic, expression, Session.taking(tally));
        }
        Map<String, Object> shown = new LinkedHashMap<>();
        for (Map.Entry<String, Tally> one : tallies.entrySet()) {
            one.getValue().await(expected.get(one.getKey()), LIMIT_MS);
            shown.put(one.getKey(), one.getValue().sorted());
        }
        // The client asks the broker beforehand whether an expression can be read.
        for (String wrong : List.of("size >", "size > 'x'", "a NOT b", "0.0 < size")) {
            try {
                consume(s, s.name("wrong" + group++), topic, wrong, Session.taking(new Tally()));
                shown.put(wrong, "started");
            } catch (MQClientException refused) {
                shown.put(wrong, refused.getResponseCode());
            }
        }
        return shown;
    }

    /** A message that a consumer refuses comes to it again, though its expression knows nothing of the retry topic. */
    private static Map<String, Object> retry(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 1);
        Tally tally = new Tally();
        List<Integer> again = Collections.synchronizedList(new ArrayList<>());
        AtomicInteger refusals = new AtomicInteger();
        consume(s, s.name("group"), queues.get(0).getTopic(), "size = 4", (messages, context) -> {
            for (MessageExt message : messages) {
                again.add(message.getReconsumeTimes());
                if (refusals.incrementAndGet() == 1) {
                    context.setDelayLevelWhenNextConsume(1);
                    return ConsumeConcurrentlyStatus.RECONSUME_LATER;
                }
                tally.add(new String(message.getBody()));
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        sendAll(s.producer(), queues.get(0));
        tally.await(1, LIMIT_MS);
        return facts("received", tally.sorted(), "reconsumeTimes", again);
    }

    private static Map<String, Object> litePull(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 1);
        sendAll(s.producer(), queues.get(0));
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(s.name("group"));
        consumer.setNamesrvAddr(s.nameServer);
        consumer.setInstanceName(s.instance());
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(queues.get(0).getTopic(), MessageSelector.bySql("size > 2 AND colour <> 'blue'"));
        s.later(consumer::shutdown);
        consumer.start();
        List<String> read = new ArrayList<>();
        long deadline = System.nanoTime() + LIMIT_MS * 1_000_000;
        while (read.size() < 4 && System.nanoTime() < deadline) {
            consumer.poll(500).forEach(one -> read.add(new String(one.getBody())));
        }
        return facts("read", read);
    }
}

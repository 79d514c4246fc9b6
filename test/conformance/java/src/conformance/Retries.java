package conformance;

import static conformance.Session.LIMIT_MS;
import static conformance.Session.facts;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** What becomes of a message that its consumer refuses. */
final class Retries {
    private Retries() {}

    static List<Conformance.Row> rows() {
        return Conformance.list(
            "push-retry-dlq", Conformance.of(Retries::deadLetter),
            "push-orderly-dlq", Conformance.of(Retries::orderlyDeadLetter),
            "push-retry-once", Conformance.of(Retries::once));
    }

    private static Map<String, Object> delivery(MessageExt message) {
        return facts("body", new String(message.getBody()), "reconsumeTimes", message.getReconsumeTimes(), "topic",
            message.getTopic(), "retryTopic", message.getProperty(MessageConst.PROPERTY_RETRY_TOPIC), "origin",
            message.getProperty(MessageConst.PROPERTY_ORIGIN_MESSAGE_ID) != null, "keys", message.getKeys(), "tags",
            message.getTags(), "delay", message.getProperty(MessageConst.PROPERTY_DELAY_TIME_LEVEL), "maxTimes",
            message.getProperty(MessageConst.PROPERTY_MAX_RECONSUME_TIMES));
    }

    private static List<Object> deadLetters(Session s, String group) throws Exception {
        MessageQueue dead = new MessageQueue("%DLQ%" + group, Session.BROKER, 0);
        Session.await("dead letter", 180_000, () -> {
            try {
                return s.admin().maxOffset(dead) > 0;
            } catch (Exception notYet) {
                return false;
            }
        });
        List<Object> read = new ArrayList<>();
        for (MessageExt letter : s.readAll(List.of(dead))) {
            read.add(delivery(letter));
        }
        return read;
    }

    private static Map<String, Object> deadLetter(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 1);
        List<Object> deliveries = Collections.synchronizedList(new ArrayList<>());
        DefaultMQPushConsumer consumer = s.pushConsumer(s.name("group"));
        consumer.setMaxReconsumeTimes(2);
        consumer.subscribe(queues.get(0).getTopic(), "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            messages.forEach(message -> deliveries.add(delivery(message)));
            context.setDelayLevelWhenNextConsume(1);
            return ConsumeConcurrentlyStatus.RECONSUME_LATER;
        });
        consumer.start();
        DefaultMQProducer producer = s.producer();
        producer.send(new Message(queues.get(0).getTopic(), "tag", "key", "poison".getBytes()), queues.get(0));
        List<Object> letters = deadLetters(s, s.name("group"));
        return facts("deliveries", List.copyOf(deliveries), "deadLetters", letters, "route",
            s.admin().examineTopicRouteInfo("%DLQ%" + s.name("group")).getQueueDatas().get(0).getPerm());
    }

    /** An orderly consumer has its tries in the client, and sends the message to the dead letters itself. */
    private static Map<String, Object> orderlyDeadLetter(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 1);
        List<Object> deliveries = Collections.synchronizedList(new ArrayList<>());
        Tally good = new Tally();
        DefaultMQPushConsumer consumer = s.pushConsumer(s.name("group"));
        consumer.setMaxReconsumeTimes(1);
        consumer.setSuspendCurrentQueueTimeMillis(100);
        consumer.subscribe(queues.get(0).getTopic(), "*");
        consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
            String body = new String(messages.get(0).getBody());
            if (body.equals("poison")) {
                deliveries.add(delivery(messages.get(0)));
                return ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;
            }
            good.add(body);
            return ConsumeOrderlyStatus.SUCCESS;
        });
        consumer.start();
        s.send(s.producer(), queues.get(0), "first", "poison", "last");
        good.await(2, LIMIT_MS);
        List<Object> letters = deadLetters(s, s.name("group"));
        return facts("deliveries", List.copyOf(deliveries), "good", good.list(), "deadLetters", letters);
    }

    /** A message refused once comes again, and only to the group that refused it. */
    private static Map<String, Object> once(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 1);
        String topic = queues.get(0).getTopic();
        Tally other = new Tally();
        s.consume(s.name("other"), topic, "*", other);
        Tally times = new Tally();
        DefaultMQPushConsumer consumer = s.pushConsumer(s.name("group"));
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            MessageExt message = messages.get(0);
            times.add(new String(message.getBody()) + " after " + message.getReconsumeTimes());
            context.setDelayLevelWhenNextConsume(1);
            boolean refused = message.getReconsumeTimes() == 0 && new String(message.getBody()).startsWith("refused");
            return refused ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        s.send(s.producer(), queues.get(0), "taken", "refused-1", "refused-2");
        times.await(5, 120_000);
        return facts("times", times.counts(), "other", other.counts());
    }
}

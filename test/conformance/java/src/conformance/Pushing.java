package conformance;

import static conformance.Session.LIMIT_MS;
import static conformance.Session.bodies;
import static conformance.Session.facts;
import static conformance.Session.failure;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.UtilAll;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.heartbeat.MessageModel;

/** What push consumers receive, by subscription, starting point and model. */
final class Pushing {
    private Pushing() {}

    static List<Conformance.Row> rows() {
        return Conformance.list(
            "push-tags", Conformance.of(Pushing::tags),
            "push-from-where", Conformance.of(Pushing::fromWhere),
            "push-broadcast", Conformance.of(Pushing::broadcast),
            "push-sql", Conformance.of(Pushing::sql),
            "push-deleted-topic", Conformance.of(Pushing::deletedTopic),
            "push-latency", Conformance.of(Pushing::latency),
            "namespace", Conformance.of(Pushing::namespace));
    }

    private static Map<String, Object> tags(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 2);
        String topic = queues.get(0).getTopic();
        DefaultMQProducer producer = s.producer();
        int n = 0;
        // AaAa and BBBB have one hash: the broker cannot tell them apart, the client must.
        for (String tag : new String[] {"a", "b", "c", null, "AaAa", "BBBB"}) {
            for (String body : bodies("tag" + n++ + tag, 5)) {
                producer.send(new Message(topic, tag, body.getBytes()));
            }
        }
        Map<String, Object> shown = new LinkedHashMap<>();
        Map<String, Integer> expected =
            Map.of("a || b", 10, "*", 30, "c", 5, "AaAa", 5, "", 30, "a||nothing", 5, "nothing", 0);
        int group = 0;
        for (Map.Entry<String, Integer> one : expected.entrySet()) {
            Tally tally = new Tally();
            s.consume(s.name("group" + group++), topic, one.getKey(), tally);
            tally.await(one.getValue(), LIMIT_MS);
            shown.put("with " + one.getKey(), tally.sorted());
        }
        return shown;
    }

    /** A queue is young as long as its first message is there; then every new group starts with it. */
    private static Map<String, Object> fromWhere(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 1);
        DefaultMQProducer producer = s.producer();
        s.send(producer, queues.get(0), bodies("old", 5));
        String middle = UtilAll.timeMillisToHumanString3(System.currentTimeMillis());
        Map<String, Tally> tallies = new LinkedHashMap<>();
        for (ConsumeFromWhere where : List.of(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET,
            ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET, ConsumeFromWhere.CONSUME_FROM_TIMESTAMP)) {
            Tally tally = new Tally();
            tallies.put(where.name(), tally);
            DefaultMQPushConsumer consumer = s.pushConsumer(s.name(where.name()));
            consumer.setConsumeFromWhere(where);
            consumer.setConsumeTimestamp(middle);
            consumer.subscribe(queues.get(0).getTopic(), "*");
            consumer.registerMessageListener(Session.taking(tally));
            consumer.start();
        }
        Thread.sleep(3_000);
        s.send(producer, queues.get(0), bodies("new", 3));
        Map<String, Object> shown = new LinkedHashMap<>();
        for (Map.Entry<String, Tally> one : tallies.entrySet()) {
            one.getValue().await(8, LIMIT_MS);
            shown.put(one.getKey(), one.getValue().sorted());
        }
        return shown;
    }

    private static Map<String, Object> broadcast(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 4);
        List<Tally> both = List.of(new Tally(), new Tally());
        for (Tally tally : both) {
            DefaultMQPushConsumer consumer = s.pushConsumer(s.name("group"));
            consumer.setMessageModel(MessageModel.BROADCASTING);
            consumer.subscribe(queues.get(0).getTopic(), "*");
            consumer.registerMessageListener(Session.taking(tally));
            consumer.start();
        }
        DefaultMQProducer producer = s.producer();
        for (String body : bodies("broadcast", 20)) {
            producer.send(new Message(queues.get(0).getTopic(), body.getBytes()));
        }
        List<Object> received = new ArrayList<>();
        for (Tally tally : both) {
            tally.await(20, LIMIT_MS);
            received.add(tally.sorted());
        }
        return facts("received", received);
    }

    /** A broker without the property filter refuses the expression when the consumer starts. */
    private static Map<String, Object> sql(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 1);
        DefaultMQPushConsumer consumer = s.pushConsumer(s.name("group"));
        consumer.subscribe(queues.get(0).getTopic(), MessageSelector.bySql("a > 1"));
        consumer.registerMessageListener(Session.taking(new Tally()));
        return facts("start", failure(() -> {
            consumer.start();
            return "started";
        }));
    }

    /** The topic goes away under a consumer: it gets nothing more, and whoever pulls is told why. */
    private static Map<String, Object> deletedTopic(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 1);
        String topic = queues.get(0).getTopic();
        DefaultMQProducer producer = s.producer();
        s.send(producer, queues.get(0), "before");
        Tally tally = new Tally();
        s.consume(s.name("group"), topic, "*", tally);
        tally.await(1, LIMIT_MS);
        DefaultMQPullConsumer puller = s.pullConsumer(s.name("puller"));
        puller.pull(queues.get(0), "*", 0, 1);
        s.admin().deleteTopicInBroker(Set.of(s.brokerAddress()), topic);
        s.admin().deleteTopicInNameServer(Set.of(s.nameServer), topic);
        Object pulled = failure(() -> puller.pull(queues.get(0), "*", 0, 1));
        Object sent = failure(() -> producer.send(new Message(topic, "after".getBytes()), queues.get(0)).getSendStatus());
        tally.await(1, LIMIT_MS);
        return facts("pulled", pulled, "sent", sent, "received", tally.list());
    }

    /** A consumer that waits gets a message at once, not with the next poll. */
    private static Map<String, Object> latency(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 1);
        DefaultMQProducer producer = s.producer();
        Tally tally = new Tally();
        s.consume(s.name("group"), queues.get(0).getTopic(), "*", tally);
        s.send(producer, queues.get(0), "warm");
        tally.await(1, LIMIT_MS);
        int fast = 0;
        for (int i = 0; i < 5; i++) {
            int wanted = i + 2;
            long began = System.nanoTime();
            s.send(producer, queues.get(0), "poll" + i);
            Session.await("message", LIMIT_MS, () -> tally.distinct() == wanted);
            fast += System.nanoTime() - began < 2_000_000_000L ? 1 : 0;
        }
        return facts("underTwoSeconds", fast);
    }

    /** One topic name in two namespaces is two topics. */
    private static Map<String, Object> namespace(Session s) throws Exception {
        String name = s.name("topic");
        s.topicNamed("ns1%" + name, 1);
        s.topicNamed("ns2%" + name, 1);
        DefaultMQProducer producer = new DefaultMQProducer(s.name("producer"));
        producer.setNamespace("ns1");
        s.prepare(producer);
        producer.start();
        for (String body : bodies("ns1", 3)) {
            producer.send(new Message(name, body.getBytes()));
        }
        List<Tally> tallies = List.of(new Tally(), new Tally());
        List<String> topics = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            DefaultMQPushConsumer consumer = s.pushConsumer(s.name("group"));
            consumer.setNamespace("ns" + (i + 1));
            consumer.subscribe(name, "*");
            Tally tally = tallies.get(i);
            consumer.registerMessageListener(Session.taking(tally));
            consumer.start();
            topics.add(consumer.getNamespace() + " " + consumer.getConsumerGroup().endsWith(s.name("group")));
        }
        tallies.get(0).await(3, LIMIT_MS);
        int retryQueues =
            s.admin().examineTopicRouteInfo("%RETRY%ns1%" + s.name("group")).getQueueDatas().get(0).getReadQueueNums();
        return facts("first", tallies.get(0).sorted(), "second", tallies.get(1).sorted(), "groups", topics,
            "retryQueues", retryQueues);
    }
}

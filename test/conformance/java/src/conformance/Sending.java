package conformance;

import static conformance.Session.LIMIT_MS;
import static conformance.Session.bodies;
import static conformance.Session.facts;
import static conformance.Session.failure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.selector.SelectMessageQueueByHash;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.route.QueueData;

/** What a producer is told, and what is stored of what it sent. */
final class Sending {
    private Sending() {}

    static List<Conformance.Row> rows() {
        return Conformance.list(
            "send-sync", Conformance.of(Sending::sync),
            "send-async", Conformance.of(Sending::async),
            "send-oneway", Conformance.of(Sending::oneway),
            "send-batch", Conformance.of(Sending::batch),
            "send-retry", Conformance.of(Sending::retry),
            "send-retry-async", Conformance.of(Sending::retryAsync),
            "send-hash", Conformance.of(Sending::hash),
            "send-unknown-topic", Conformance.of(Sending::unknownTopic),
            "send-unknown-topic-refused-after-restart", Conformance.of(Sending::unknownTopicRefused),
            "send-refused", Conformance.of(Sending::refused),
            "send-bodies", Conformance.of(Sending::hardBodies));
    }

    /** What of a send's result is the same everywhere. */
    static Map<String, Object> sendFacts(SendResult result) {
        return facts(
            "status", result.getSendStatus().name(),
            "uniqueId", result.getMsgId().matches("[0-9A-F]{32}|[0-9A-F]{56}"),
            "offsetId", result.getOffsetMsgId().matches("[0-9A-F]{32}"),
            "broker", result.getMessageQueue().getBrokerName(),
            "queueId", result.getMessageQueue().getQueueId(),
            "queueOffset", result.getQueueOffset(),
            "transactionId", result.getMsgId().equals(result.getTransactionId()) ? "unique id" : result.getTransactionId(),
            "region", result.getRegionId(),
            "traceOn", result.isTraceOn(),
            "recallHandle", result.getRecallHandle() != null);
    }

    private static Map<String, Object> sync(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 4);
        DefaultMQProducer producer = s.producer();
        List<Object> sent = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            Message message = new Message(queues.get(0).getTopic(), "a", "k1 k2", "hello".getBytes());
            sent.add(sendFacts(producer.send(message, queues.get(2 - i / 2))));
        }
        Map<String, Integer> perQueue = new TreeMap<>();
        for (int i = 0; i < 8; i++) {
            SendResult result = producer.send(new Message(queues.get(0).getTopic(), "round".getBytes()));
            perQueue.merge("queue" + result.getMessageQueue().getQueueId(), 1, Integer::sum);
        }
        return facts("sent", sent, "roundRobin", perQueue);
    }

    private static Map<String, Object> async(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 2);
        Map<String, Integer> told = sendAsync(s.producer(), queues.get(0).getTopic(), 20);
        return facts("callbacks", told, "stored", s.readAll(queues).size());
    }

    private static Map<String, Integer> sendAsync(DefaultMQProducer producer, String topic, int count) throws Exception {
        CountDownLatch waiting = new CountDownLatch(count);
        Map<String, Integer> told = new TreeMap<>();
        SendCallback callback = new SendCallback() {
            @Override
            public void onSuccess(SendResult result) {
                count(result.getSendStatus() + " " + result.getMessageQueue().getBrokerName());
            }

            @Override
            public void onException(Throwable thrown) {
                count(String.valueOf(failure(() -> {
                    throw (Exception) thrown;
                })));
            }

            private void count(String what) {
                synchronized (told) {
                    told.merge(what, 1, Integer::sum);
                }
                waiting.countDown();
            }
        };
        for (String body : bodies("async", count)) {
            producer.send(new Message(topic, body.getBytes()), callback);
        }
        if (!waiting.await(LIMIT_MS, TimeUnit.MILLISECONDS)) {
            throw new IllegalStateException(waiting.getCount() + " callbacks missing");
        }
        return told;
    }

    private static Map<String, Object> oneway(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 2);
        DefaultMQProducer producer = s.producer();
        for (String body : bodies("oneway", 10)) {
            producer.sendOneway(new Message(queues.get(0).getTopic(), body.getBytes()));
        }
        Tally tally = new Tally();
        s.consume(s.name("group"), queues.get(0).getTopic(), "*", tally);
        tally.await(10, LIMIT_MS);
        return facts("received", tally.sorted());
    }

    private static Map<String, Object> batch(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 1);
        DefaultMQProducer producer = s.producer();
        List<Message> batch = new ArrayList<>();
        for (String body : bodies("batch", 5)) {
            batch.add(new Message(queues.get(0).getTopic(), "t", body, body.getBytes()));
        }
        SendResult result = producer.send(batch);
        List<Object> read = new ArrayList<>();
        for (MessageExt message : s.readAll(queues)) {
            read.add(facts("body", new String(message.getBody()), "offset", message.getQueueOffset(), "tag",
                message.getTags(), "keys", message.getKeys(), "idOfBatch",
                Arrays.asList(result.getMsgId().split(",")).contains(message.getMsgId())));
        }
        return facts("status", result.getSendStatus(), "ids", result.getMsgId().split(",").length, "offsetIds",
            result.getOffsetMsgId().split(",").length, "queueOffset", result.getQueueOffset(), "read", read);
    }

    /** The topic is on two brokers, one of which answers every send with an error. */
    private static Map<String, Object> retry(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 1);
        DefaultMQProducer producer = s.producer();
        Map<String, Integer> told = new TreeMap<>();
        for (String body : bodies("retried", 8)) {
            SendResult result = producer.send(new Message(queues.get(0).getTopic(), body.getBytes()));
            told.merge(result.getSendStatus() + " " + result.getMessageQueue().getBrokerName(), 1, Integer::sum);
        }
        int brokers = s.admin().examineTopicRouteInfo(queues.get(0).getTopic()).getBrokerDatas().size();
        producer.setRetryTimesWhenSendFailed(0);
        Object failing = failure(() -> producer.send(new Message(queues.get(0).getTopic(), "x".getBytes()),
            new MessageQueue(queues.get(0).getTopic(), "broker-failing", 0)));
        return facts("brokersOfTopic", brokers, "told", told, "failingAlone", failing);
    }

    /** An asynchronous send goes to another broker only when there was no answer at all. */
    private static Map<String, Object> retryAsync(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 1);
        Map<String, Integer> told = sendAsync(s.producer(), queues.get(0).getTopic(), 8);
        int brokers = s.admin().examineTopicRouteInfo(queues.get(0).getTopic()).getBrokerDatas().size();
        // Which broker comes first is drawn by lot.
        return facts("brokersOfTopic", brokers, "told", new ArrayList<>(told.keySet()), "count",
            told.values().stream().mapToInt(Integer::intValue).sum());
    }

    private static Map<String, Object> hash(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 4);
        DefaultMQProducer producer = s.producer();
        Map<String, List<Integer>> chosen = new TreeMap<>();
        for (int i = 0; i < 3; i++) {
            for (String key : List.of("one", "two", "three", "four", "fünf")) {
                SendResult result = producer.send(new Message(queues.get(0).getTopic(), key.getBytes()),
                    new SelectMessageQueueByHash(), key);
                chosen.computeIfAbsent(key, any -> new ArrayList<>()).add(result.getMessageQueue().getQueueId());
            }
        }
        return facts("queueOfKey", chosen, "stored", s.readAll(queues).size());
    }

    private static Map<String, Object> unknownTopic(Session s) throws Exception {
        String topic = s.name("unknown");
        Object before = failure(() -> s.admin().examineTopicRouteInfo(topic));
        SendResult result = s.producer().send(new Message(topic, "first".getBytes()));
        Session.await("route of " + topic, LIMIT_MS, () -> {
            try {
                return !s.admin().examineTopicRouteInfo(topic).getQueueDatas().isEmpty();
            } catch (Exception notYet) {
                return false;
            }
        });
        QueueData data = s.admin().examineTopicRouteInfo(topic).getQueueDatas().get(0);
        return facts("before", before, "status", result.getSendStatus(), "queueOffset", result.getQueueOffset(),
            "read", data.getReadQueueNums(), "write", data.getWriteQueueNums(), "perm", data.getPerm());
    }

    /** After the restart the broker makes no topics. */
    private static Map<String, Object> unknownTopicRefused(Session s) throws Exception {
        DefaultMQProducer producer = s.producer();
        producer.setRetryTimesWhenSendFailed(0);
        String topic = s.name("unknown");
        return facts("send", failure(() -> producer.send(new Message(topic, "first".getBytes()))),
            "route", failure(() -> s.admin().examineTopicRouteInfo(topic)));
    }

    private static Map<String, Object> refused(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 1);
        String topic = queues.get(0).getTopic();
        DefaultMQProducer producer = s.producer();
        producer.setMaxMessageSize(64 << 20);
        Map<String, Object> refused = facts();
        refused.put("bodyTooLarge", failure(() -> producer.send(new Message(topic, random(4 << 20 | 1)), queues.get(0))));
        Message long_ = new Message(topic, "x".getBytes());
        long_.putUserProperty("long", "p".repeat(33_000));
        refused.put("propertiesTooLong", failure(() -> producer.send(long_, queues.get(0))));
        refused.put("queueOutOfRange", failure(() -> producer.send(new Message(topic, "x".getBytes()),
            new MessageQueue(topic, Session.BROKER, 9))));
        refused.put("unknownTopic", failure(() -> producer.send(new Message(s.name("nowhere"), "x".getBytes()),
            new MessageQueue(s.name("nowhere"), "broker-nowhere", 0))));
        producer.setMaxMessageSize(4 << 20);
        refused.put("tooLargeForClient", failure(() -> producer.send(new Message(topic, random(4 << 20 | 1)))));
        refused.put("stored", s.readAll(queues).size());
        return refused;
    }

    static byte[] random(int size) {
        byte[] body = new byte[size];
        new Random(1).nextBytes(body);
        return body;
    }

    /** What is hard to carry comes back unchanged. */
    private static Map<String, Object> hardBodies(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 1);
        String topic = queues.get(0).getTopic();
        DefaultMQProducer producer = s.producer();
        Message many = new Message(topic, "Ünïcødé", "schlüssel 鍵", "many properties".getBytes());
        for (int i = 0; i < 200; i++) {
            many.putUserProperty("property-" + i, "wert-" + i + "-äöü-漢字-🐦");
        }
        many.setFlag(-559038737);
        List<Message> sent = List.of(many, new Message(topic, "漢字 🐦 \"quoted\" \\ \u0001\u0002".getBytes("UTF-8")),
            new Message(topic, new byte[] {0}), new Message(topic, "compressible ".repeat(100_000).getBytes()),
            new Message(topic, random((4 << 20) - 1)));
        for (Message message : sent) {
            // What cannot be compressed would become larger than a broker takes.
            producer.setCompressMsgBodyOverHowmuch(message.getBody().length > 4_000_000 ? Integer.MAX_VALUE : 4096);
            producer.send(message, queues.get(0));
        }
        List<MessageExt> stored = s.readAll(queues);
        List<Boolean> same = new ArrayList<>();
        for (int i = 0; i < stored.size(); i++) {
            same.add(Arrays.equals(stored.get(i).getBody(), sent.get(i).getBody()));
        }
        long unchanged = many.getProperties().entrySet().stream()
            .filter(entry -> entry.getValue().equals(stored.get(0).getProperty(entry.getKey()))).count();
        return facts("same", same, "propertiesUnchanged", unchanged, "flag", stored.get(0).getFlag(), "tag",
            stored.get(0).getTags(), "keys", stored.get(0).getKeys());
    }
}

package conformance;

import static conformance.Session.LIMIT_MS;
import static conformance.Session.bodies;
import static conformance.Session.facts;
import static conformance.Session.failure;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.impl.MQClientAPIImpl;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.admin.ConsumeStats;
import org.apache.rocketmq.remoting.protocol.body.QueueTimeSpan;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** Where a time is in a queue, and groups that go there. */
final class TimeTravel {
    private TimeTravel() {}

    static List<Conformance.Row> rows() {
        return Conformance.list(
            "query-key-range", Conformance.of(TimeTravel::keyRange),
            "offset-boundaries", Conformance.of(TimeTravel::boundaries),
            "reset-by-time", Conformance.of(TimeTravel::reset),
            "clone-offsets", Conformance.of(TimeTravel::cloned),
            "consume-time-span", Conformance.of(TimeTravel::timeSpan),
            "correct-offset", Conformance.of(TimeTravel::correction));
    }

    /** Sends a message each, so far apart that no two are stored in one second. */
    private static List<MessageExt> sendApart(Session s, MessageQueue queue, int count, long apartMs) throws Exception {
        DefaultMQProducer producer = s.producer();
        for (int i = 0; i < count; i++) {
            if (i > 0) Thread.sleep(apartMs);
            producer.send(new Message(queue.getTopic(), "tag", "key", ("m" + i).getBytes()), queue);
        }
        List<MessageExt> stored = s.readAll(List.of(queue));
        if (stored.size() != count) throw new IllegalStateException(stored.size() + " of " + count + " are there");
        return stored;
    }

    private static Map<String, Object> keyRange(Session s) throws Exception {
        MessageQueue queue = s.topic("topic", 1).get(0);
        List<MessageExt> stored = sendApart(s, queue, 4, 2_100);
        DefaultMQProducer producer = s.producer();
        String topic = queue.getTopic();
        long first = stored.get(0).getStoreTimestamp();
        long second = stored.get(1).getStoreTimestamp();
        long last = stored.get(3).getStoreTimestamp();
        Session.await("indexed", LIMIT_MS, () -> found(producer, topic, 32, 0, last + 5_000).toString().contains("m3"));
        return facts("all", found(producer, topic, 32, 0, Long.MAX_VALUE),
            "two", found(producer, topic, 2, 0, last + 5_000),
            "firstTwo", found(producer, topic, 32, first - 1_000, second + 1_000),
            "fromSecond", found(producer, topic, 32, second - 1_000, last + 5_000),
            "before", found(producer, topic, 32, 0, first - 3_000),
            "backwards", found(producer, topic, 32, last + 5_000, first - 1_000),
            "none", found(producer, topic, 0, 0, last + 5_000));
    }

    private static Object found(DefaultMQProducer producer, String topic, int limit, long from, long to) {
        return failure(() -> producer.queryMessage(topic, "key", limit, from, to).getMessageList().stream()
            .map(one -> new String(one.getBody())).sorted().toList());
    }

    private static Map<String, Object> boundaries(Session s) throws Exception {
        MessageQueue queue = s.topic("topic", 1).get(0);
        List<MessageExt> stored = sendApart(s, queue, 5, 60);
        DefaultMQAdminExt admin = s.admin();
        Map<String, Object> shown = new TreeMap<>();
        for (int i = 0; i < 5; i++) {
            long at = stored.get(i).getStoreTimestamp();
            for (long by : new long[] {-1, 0, 1}) {
                shown.put("m" + i + " " + by, admin.searchLowerBoundaryOffset(queue, at + by) + " to "
                    + admin.searchUpperBoundaryOffset(queue, at + by));
            }
        }
        for (long at : new long[] {-1, 0, 1, Long.MAX_VALUE}) {
            shown.put("time " + at, failure(() -> admin.searchLowerBoundaryOffset(queue, at) + " to "
                + admin.searchUpperBoundaryOffset(queue, at)));
        }
        MessageQueue other = new MessageQueue(queue.getTopic(), queue.getBrokerName(), 7);
        shown.put("unknown queue", failure(() -> admin.searchLowerBoundaryOffset(other, 5)));
        shown.put("earliest", admin.earliestMsgStoreTime(queue) == stored.get(0).getStoreTimestamp());
        shown.put("earliest of unknown", failure(() -> admin.earliestMsgStoreTime(other)));
        return shown;
    }

    /** A group that has everything and is offline goes back to the fourth message, and then to the end. */
    private static Map<String, Object> reset(Session s) throws Exception {
        MessageQueue queue = s.topic("topic", 1).get(0);
        List<MessageExt> stored = sendApart(s, queue, 5, 60);
        long fourth = stored.get(3).getStoreTimestamp();
        String topic = queue.getTopic();
        String group = s.name("group");
        DefaultMQAdminExt admin = s.admin();
        Map<String, Object> shown = facts();
        Tally first = new Tally();
        DefaultMQPushConsumer consumer = s.consume(group, topic, "*", first);
        first.await(5, LIMIT_MS);
        consumer.shutdown();
        Session.await("gone", LIMIT_MS, () -> failure(() -> admin.examineConsumerConnectionInfo(group)).toString()
            .contains("Exception"));
        shown.put("offline", table(admin.resetOffsetByTimestamp(topic, group, fourth, true)));
        shown.put("committed", committed(admin, group, queue));
        Tally second = new Tally();
        consumer = s.consume(group, topic, "*", second);
        second.await(2, LIMIT_MS);
        shown.put("afterwards", second.sorted());
        consumer.shutdown();
        s.send(s.producer(), queue, bodies("late", 3));
        Thread.sleep(300);
        shown.put("skipped", table(admin.resetOffsetByTimestamp(topic, group, -1, true)));
        shown.put("committedAtEnd", committed(admin, group, queue));
        shown.put("unknownGroup", failure(() -> table(admin.resetOffsetByTimestamp(topic, s.name("no"), 1, true))));
        shown.put("old", failure(() -> admin.resetOffsetByTimestampOld(group, topic, fourth, true).stream()
            .map(one -> one.getConsumerOffset() + " " + one.getTimestampOffset() + " " + one.getRollbackOffset())
            .toList()));
        shown.put("committedByOld", committed(admin, group, queue));
        return shown;
    }

    private static Object table(Map<MessageQueue, Long> offsets) {
        Map<String, Object> byQueue = new TreeMap<>();
        offsets.forEach((queue, offset) -> byQueue.put("queue" + queue.getQueueId(), offset));
        return byQueue;
    }

    private static Object committed(DefaultMQAdminExt admin, String group, MessageQueue queue) {
        return failure(() -> {
            ConsumeStats stats = admin.examineConsumeStats(group, queue.getTopic());
            return stats.getOffsetTable().get(queue).getConsumerOffset();
        });
    }

    private static Map<String, Object> cloned(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 2);
        String topic = queues.get(0).getTopic();
        s.send(s.producer(), queues.get(0), bodies("m", 3));
        s.send(s.producer(), queues.get(1), bodies("n", 2));
        String group = s.name("group");
        DefaultMQAdminExt admin = s.admin();
        Tally first = new Tally();
        DefaultMQPushConsumer consumer = s.consume(group, topic, "*", first);
        first.await(5, LIMIT_MS);
        consumer.shutdown();
        Session.await("committed", LIMIT_MS, () -> "no failure: 2".equals(committed(admin, group, queues.get(1))));
        Map<String, Object> shown = facts();
        for (boolean isOffline : new boolean[] {false, true}) {
            String copy = s.name("copy-" + isOffline);
            shown.put("offline " + isOffline, failure(() -> {
                admin.cloneGroupOffset(group, copy, topic, isOffline);
                return "cloned";
            }));
            Tally after = new Tally();
            DefaultMQPushConsumer other = s.consume(copy, topic, "*", after);
            s.send(s.producer(), queues.get(0), "more-" + isOffline);
            after.await(1, LIMIT_MS);
            shown.put("consumed " + isOffline, after.sorted());
            other.shutdown();
        }
        shown.put("unknownGroup", failure(() -> {
            admin.cloneGroupOffset(s.name("nobody"), s.name("copy"), topic, true);
            return "cloned";
        }));
        return shown;
    }

    private static Map<String, Object> timeSpan(Session s) throws Exception {
        MessageQueue queue = s.topic("topic", 1).get(0);
        List<MessageExt> stored = sendApart(s, queue, 3, 60);
        String group = s.name("group");
        DefaultMQAdminExt admin = s.admin();
        Map<String, Object> shown = facts();
        shown.put("never", span(admin, group, queue, stored));
        Tally first = new Tally();
        DefaultMQPushConsumer consumer = s.consume(group, queue.getTopic(), "*", first);
        first.await(3, LIMIT_MS);
        consumer.shutdown();
        shown.put("all", span(admin, group, queue, stored));
        s.send(s.producer(), queue, "late");
        shown.put("behind", span(admin, group, queue, s.readAll(List.of(queue))));
        shown.put("unknownTopic", failure(() -> admin.queryConsumeTimeSpan(s.name("nothing"), group)));
        return shown;
    }

    private static Object span(DefaultMQAdminExt admin, String group, MessageQueue queue, List<MessageExt> stored) {
        return failure(() -> {
            List<Object> spans = new ArrayList<>();
            for (QueueTimeSpan one : admin.queryConsumeTimeSpan(queue.getTopic(), group)) {
                spans.add(facts("min", nameOf(one.getMinTimeStamp(), stored), "max", nameOf(one.getMaxTimeStamp(), stored),
                    "consumed", nameOf(one.getConsumeTimeStamp(), stored), "isBehind", one.getDelayTime() > 0));
            }
            return spans;
        });
    }

    private static String nameOf(long time, List<MessageExt> stored) {
        for (MessageExt one : stored) {
            if (one.getStoreTimestamp() == time) return new String(one.getBody());
        }
        return time <= 0 ? String.valueOf(time) : "another time";
    }

    /** Where a group's offsets are set to by those of others. */
    private static Map<String, Object> correction(Session s) throws Exception {
        MessageQueue queue = s.topic("topic", 1).get(0);
        String topic = queue.getTopic();
        s.send(s.producer(), queue, bodies("m", 6));
        Thread.sleep(300);
        DefaultMQAdminExt admin = s.admin();
        String address = s.brokerAddress();
        int at = 5;
        for (String group : List.of("one", "two", "three")) {
            Tally taken = new Tally();
            DefaultMQPushConsumer consumer = s.consume(s.name(group), topic, "*", taken);
            taken.await(6, LIMIT_MS);
            consumer.shutdown();
            admin.updateConsumeOffset(address, s.name(group), queue, at--);
        }
        MQClientAPIImpl api = admin.getDefaultMQAdminExtImpl().getMqClientInstance().getMQClientAPIImpl();
        Map<String, Object> shown = facts();
        for (String group : List.of("one", "two", "three", "nobody")) {
            shown.put(group, failure(() -> api.queryCorrectionOffset(address, topic, s.name(group), null, 5_000)));
        }
        shown.put("one without three", failure(() -> api.queryCorrectionOffset(address, topic, s.name("one"),
            java.util.Set.of(s.name("three")), 5_000)));
        // Apache forgets the offsets of the groups that a question leaves out.
        shown.put("offset of three afterwards", committed(admin, s.name("three"), queue));
        shown.put("unknown topic",
            failure(() -> api.queryCorrectionOffset(address, s.name("nothing"), s.name("one"), null, 5_000)));
        return shown;
    }
}

package conformance;

import static conformance.Session.facts;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.selector.SelectMessageQueueByHash;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** Order by key while the members of a group change, and topics whose queues are fixed by a configuration. */
final class Ordering {
    private static final long LIMIT_MS = 150_000;
    private static final int KEYS = 8;

    private Ordering() {}

    static List<Conformance.Row> rows() {
        return Conformance.list(
            "order-members", Conformance.of(Ordering::members),
            "order-topic", Conformance.of(Ordering::orderTopic));
    }

    /** A message as a member took it. */
    private record Taken(int member, int queueId, int key, int number, long nanos) {}

    /** What the members took, in the order in which they did. */
    private static final class Log {
        private final List<Taken> taken = new ArrayList<>();
        private final Set<String> distinct = new HashSet<>();
        private final Set<Integer> dead = new HashSet<>();
        private long diedNanos = Long.MAX_VALUE;

        /** False when the member is dead: then it has not taken the message. */
        synchronized boolean add(int member, MessageExt message) {
            if (dead.contains(member)) return false;
            String[] body = new String(message.getBody()).split(" ");
            distinct.add(body[0] + " " + body[1]);
            taken.add(new Taken(member, message.getQueueId(), Integer.parseInt(body[0]), Integer.parseInt(body[1]),
                System.nanoTime()));
            return true;
        }

        synchronized void die(int member) {
            dead.add(member);
            diedNanos = System.nanoTime();
        }

        synchronized int distinct() {
            return distinct.size();
        }

        synchronized boolean hasWorked(int member) {
            return taken.stream().anyMatch(one -> one.member == member);
        }

        synchronized Map<String, Object> verdict(int sent, int victim) {
            Map<Integer, Integer> next = new HashMap<>();
            Map<Integer, Taken> last = new HashMap<>();
            int inversions = 0;
            int againBefore = 0;
            for (Taken one : taken) {
                int expected = next.getOrDefault(one.key, 0);
                if (one.number > expected) inversions++;
                if (one.number < expected && one.nanos < diedNanos) againBefore++;
                // Behind a death the queue begins again somewhere: from there on it goes up in steps of one.
                Taken before = last.put(one.key, one);
                boolean isStep = before == null || one.number == before.number + 1
                    || before.member != one.member && one.nanos > diedNanos;
                if (!isStep) inversions++;
                next.put(one.key, Math.max(expected, one.number + 1));
            }
            Set<Integer> left = new HashSet<>();
            taken.stream().filter(one -> one.member == victim).forEach(one -> left.add(one.queueId));
            long first = taken.stream()
                .filter(one -> one.nanos > diedNanos && left.contains(one.queueId) && owner(one) == victim)
                .mapToLong(one -> (one.nanos - diedNanos) / 1_000_000_000L).min().orElse(-1);
            return facts("lost", sent - distinct.size(), "inversions", inversions, "twiceBeforeTheDeath", againBefore,
                "deadMembersQueuesWaitForTheLock", first >= 25 && first <= 110);
        }

        /** The member that had the queue last before the death. */
        private int owner(Taken of) {
            int owner = -1;
            for (Taken one : taken) {
                if (one.nanos > diedNanos) break;
                if (one.queueId == of.queueId) owner = one.member;
            }
            return owner;
        }
    }

    private static DefaultMQPushConsumer join(Session s, String topic, Log log, int member) throws Exception {
        DefaultMQPushConsumer consumer = s.pushConsumer(s.name("group"));
        consumer.subscribe(topic, "*");
        // A retry would hide what the test looks for.
        consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
            for (MessageExt message : messages) {
                if (!log.add(member, message)) park();
            }
            return ConsumeOrderlyStatus.SUCCESS;
        });
        consumer.start();
        return consumer;
    }

    /** What a dead process does: nothing any more. */
    private static void park() {
        try {
            Thread.sleep(Long.MAX_VALUE);
        } catch (InterruptedException ended) {
            throw new IllegalStateException(ended);
        }
    }

    /** Two members, a third joins, the first leaves, the second dies without a word; order by key holds. */
    private static Map<String, Object> members(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 4);
        String topic = queues.get(0).getTopic();
        DefaultMQProducer producer = s.producer();
        Log log = new Log();
        int[] sent = new int[1];
        DefaultMQPushConsumer first = join(s, topic, log, 0);
        DefaultMQPushConsumer second = join(s, topic, log, 1);
        stream(producer, topic, sent, "two members", () -> log.hasWorked(0) && log.hasWorked(1));
        join(s, topic, log, 2);
        stream(producer, topic, sent, "a third one", () -> log.hasWorked(2));
        first.shutdown();
        int goal = sent[0] + 20;
        stream(producer, topic, sent, "after one left", () -> sent[0] >= goal && log.distinct() == sent[0] * KEYS);
        log.die(1);
        // No goodbye: the connections are closed, and nothing is unregistered, unlocked or committed.
        second.getDefaultMQPushConsumerImpl().getmQClientFactory().getMQClientAPIImpl().getRemotingClient().shutdown();
        int end = sent[0] + 20;
        stream(producer, topic, sent, "after one died", () -> sent[0] >= end);
        Session.await("everything taken", LIMIT_MS, () -> log.distinct() == sent[0] * KEYS);
        return log.verdict(sent[0] * KEYS, 1);
    }

    private static void stream(DefaultMQProducer producer, String topic, int[] sent, String what,
        BooleanSupplier enough) throws Exception {
        long deadline = System.nanoTime() + LIMIT_MS * 1_000_000;
        while (!enough.getAsBoolean()) {
            if (System.nanoTime() > deadline) throw new IllegalStateException("not within the limit: " + what);
            for (int key = 0; key < KEYS; key++) {
                Message message = new Message(topic, (key + " " + sent[0]).getBytes());
                producer.send(message, new SelectMessageQueueByHash(), key);
            }
            sent[0]++;
            Thread.sleep(100);
        }
    }

    /** The configuration of an order topic, as tools write and read it. */
    private static Map<String, Object> orderTopic(Session s) throws Exception {
        String topic = s.topic("topic", 4).get(0).getTopic();
        DefaultMQAdminExt admin = s.admin();
        Map<String, Object> shown = new TreeMap<>();
        admin.createOrUpdateOrderConf(topic, "broker-a:2", true);
        shown.put("stored", admin.getKVConfig("ORDER_TOPIC_CONFIG", topic));
        // A broker's part of it changes alone; the others' stay.
        admin.createOrUpdateOrderConf(topic, "broker-b:3", false);
        shown.put("merged", new java.util.TreeSet<>(List.of(
            admin.getKVConfig("ORDER_TOPIC_CONFIG", topic).split(";"))));
        admin.createOrUpdateOrderConf(topic, "broker-a:3", false);
        shown.put("changed", new java.util.TreeSet<>(List.of(
            admin.getKVConfig("ORDER_TOPIC_CONFIG", topic).split(";"))));
        // Routes have it only where the name server's orderMessageEnable is true.
        shown.put("route", admin.examineTopicRouteInfo(topic).getOrderTopicConf());
        shown.put("queues", s.producer().fetchPublishMessageQueues(topic).size());
        admin.deleteKvConfig("ORDER_TOPIC_CONFIG", topic);
        shown.put("deleted", Session.failure(() -> admin.getKVConfig("ORDER_TOPIC_CONFIG", topic)));
        return shown;
    }
}

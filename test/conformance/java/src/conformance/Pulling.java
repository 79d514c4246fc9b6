package conformance;

import static conformance.Session.LIMIT_MS;
import static conformance.Session.bodies;
import static conformance.Session.facts;
import static conformance.Session.failure;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** The pull consumer and the lite pull consumer. */
final class Pulling {
    private Pulling() {}

    static List<Conformance.Row> rows() {
        return Conformance.list(
            "pull-statuses", Conformance.of(Pulling::statuses),
            "lite-subscribe", Conformance.of(Pulling::subscribe),
            "lite-assign", Conformance.of(Pulling::assign),
            "lite-commit", Conformance.of(Pulling::commit),
            "offset-for-timestamp", Conformance.of(Pulling::timestamps));
    }

    private static Object pullFacts(PullResult result) {
        List<String> read = result.getMsgFoundList() == null ? null
            : result.getMsgFoundList().stream().map(message -> new String(message.getBody())).toList();
        return facts("status", result.getPullStatus(), "next", result.getNextBeginOffset(), "min",
            result.getMinOffset(), "max", result.getMaxOffset(), "read", read);
    }

    private static Map<String, Object> statuses(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 2);
        MessageQueue queue = queues.get(0);
        DefaultMQProducer producer = s.producer();
        for (String body : bodies("pulled", 6)) {
            producer.send(new Message(queue.getTopic(), body.endsWith("5") ? "b" : "a", body.getBytes()), queue);
        }
        Thread.sleep(300);
        DefaultMQPullConsumer consumer = s.pullConsumer(s.name("group"));
        Map<String, Object> shown = facts();
        shown.put("found", pullFacts(consumer.pull(queue, "*", 0, 4)));
        shown.put("byTag", pullFacts(consumer.pull(queue, "b", 0, 4)));
        shown.put("noMatch", pullFacts(consumer.pull(queue, "none", 0, 4)));
        shown.put("atEnd", pullFacts(consumer.pull(queue, "*", 6, 4)));
        shown.put("beyond", pullFacts(consumer.pull(queue, "*", 60, 4)));
        shown.put("emptyQueue", pullFacts(consumer.pull(queues.get(1), "*", 0, 4)));
        shown.put("emptyBeyond", pullFacts(consumer.pull(queues.get(1), "*", 5, 4)));
        shown.put("badQueue", failure(() -> consumer.pull(new MessageQueue(queue.getTopic(), Session.BROKER, 9), "*", 0, 4)));
        CompletableFuture<Void> sending = CompletableFuture.runAsync(() -> {
            try {
                Thread.sleep(1_000);
                s.send(producer, queue, "awaited");
            } catch (Exception thrown) {
                throw new IllegalStateException(thrown);
            }
        });
        long began = System.nanoTime();
        shown.put("awaited", pullFacts(consumer.pullBlockIfNotFound(queue, "*", 6, 4)));
        shown.put("awaitedInTime", System.nanoTime() - began < 4_000_000_000L);
        sending.join();
        consumer.updateConsumeOffset(queue, 3);
        consumer.getOffsetStore().persistAll(Set.of(queue));
        Session.await("offset stored", LIMIT_MS, () -> {
            try {
                return consumer.fetchConsumeOffset(queue, true) == 3;
            } catch (MQClientException notYet) {
                return false;
            }
        });
        shown.put("neverStored", failure(() -> s.pullConsumer(s.name("other")).fetchConsumeOffset(queues.get(1), true)));
        shown.put("queues", consumer.fetchSubscribeMessageQueues(queue.getTopic()).size());
        return shown;
    }

    private static DefaultLitePullConsumer lite(Session s, String group) {
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(group);
        consumer.setNamesrvAddr(s.nameServer);
        consumer.setInstanceName(s.instance());
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        s.later(consumer::shutdown);
        return consumer;
    }

    private static List<String> poll(DefaultLitePullConsumer consumer, int count) {
        List<String> read = new ArrayList<>();
        long deadline = System.nanoTime() + LIMIT_MS * 1_000_000;
        while (read.size() < count && System.nanoTime() < deadline) {
            for (MessageExt message : consumer.poll(1_000)) {
                read.add(message.getQueueId() + " " + new String(message.getBody()));
            }
        }
        read.sort(null);
        return read;
    }

    private static List<MessageQueue> filled(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 2);
        DefaultMQProducer producer = s.producer();
        for (MessageQueue queue : queues) {
            s.send(producer, queue, bodies("m", 6));
        }
        return queues;
    }

    private static Map<String, Object> subscribe(Session s) throws Exception {
        List<MessageQueue> queues = filled(s);
        DefaultLitePullConsumer consumer = lite(s, s.name("group"));
        consumer.subscribe(queues.get(0).getTopic(), "*");
        consumer.start();
        List<String> read = poll(consumer, 12);
        consumer.commit();
        consumer.shutdown();
        return facts("read", read, "committed", committed(s, queues));
    }

    private static Map<String, Object> committed(Session s, List<MessageQueue> queues) throws Exception {
        DefaultLitePullConsumer consumer = lite(s, s.name("group"));
        consumer.assign(queues);
        consumer.start();
        Map<String, Object> offsets = new TreeMap<>();
        Session.await("offsets stored", LIMIT_MS, () -> {
            for (MessageQueue queue : queues) {
                try {
                    offsets.put("queue" + queue.getQueueId(), consumer.committed(queue));
                } catch (MQClientException notYet) {
                    return false;
                }
            }
            return offsets.values().stream().allMatch(offset -> !offset.equals(-1L));
        });
        return offsets;
    }

    private static Map<String, Object> assign(Session s) throws Exception {
        List<MessageQueue> queues = filled(s);
        DefaultLitePullConsumer consumer = lite(s, s.name("group"));
        consumer.setAutoCommit(false);
        consumer.assign(List.of(queues.get(1)));
        // What a pull brings between the start and the seek would be polled too.
        consumer.pause(List.of(queues.get(1)));
        consumer.start();
        consumer.seek(queues.get(1), 4);
        consumer.resume(List.of(queues.get(1)));
        List<String> late = poll(consumer, 2);
        consumer.seekToBegin(queues.get(1));
        List<String> all = poll(consumer, 6);
        consumer.seekToEnd(queues.get(1));
        s.send(s.producer(), queues.get(1), "new");
        List<String> fresh = poll(consumer, 1);
        Object illegal = failure(() -> {
            consumer.seek(queues.get(1), 99);
            return "accepted";
        });
        return facts("late", late, "all", all, "fresh", fresh, "illegal", illegal, "queues",
            consumer.fetchMessageQueues(queues.get(0).getTopic()).size());
    }

    private static Map<String, Object> commit(Session s) throws Exception {
        List<MessageQueue> queues = filled(s);
        DefaultLitePullConsumer consumer = lite(s, s.name("group"));
        consumer.setAutoCommit(false);
        consumer.assign(queues);
        consumer.start();
        int read = poll(consumer, 12).size();
        consumer.commit(Map.of(queues.get(0), 2L, queues.get(1), 5L), true);
        consumer.shutdown();
        Map<String, Object> stored = committed(s, queues);
        DefaultLitePullConsumer second = lite(s, s.name("group"));
        second.assign(queues);
        second.start();
        return facts("read", read, "stored", stored, "goesOnWith", poll(second, 5));
    }

    private static Map<String, Object> timestamps(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 1);
        DefaultMQProducer producer = s.producer();
        s.send(producer, queues.get(0), bodies("early", 3));
        Thread.sleep(50);
        long between = System.currentTimeMillis();
        Thread.sleep(50);
        s.send(producer, queues.get(0), bodies("late", 3));
        Thread.sleep(300);
        DefaultMQPullConsumer consumer = s.pullConsumer(s.name("group"));
        return facts("longAgo", consumer.searchOffset(queues.get(0), 1), "between",
            consumer.searchOffset(queues.get(0), between), "future",
            consumer.searchOffset(queues.get(0), between + 600_000), "min", consumer.minOffset(queues.get(0)), "max",
            consumer.maxOffset(queues.get(0)), "earliest",
            Math.abs(consumer.earliestMsgStoreTime(queues.get(0)) - between) < 60_000);
    }
}

package conformance;

import static conformance.Session.LIMIT_MS;
import static conformance.Session.bodies;
import static conformance.Session.facts;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.selector.SelectMessageQueueByHash;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.admin.OffsetWrapper;

/** How members of a group share queues, keep order and keep their place. */
final class Groups {
    private Groups() {}

    static List<Conformance.Row> rows() {
        return Conformance.list(
            "push-orderly", Conformance.of(Groups::orderly),
            "push-members", Conformance.of(Groups::members),
            "push-suspended-order", Conformance.of(Groups::suspended),
            "offsets-before-restart", Conformance.of(Groups::offsetsBefore),
            "offsets-after-restart", Conformance.of(Groups::offsetsAfter));
    }

    /** Two consumers of a group, a third joins and the first leaves in mid-stream; nothing is lost. */
    private static Map<String, Object> members(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 6);
        String topic = queues.get(0).getTopic();
        DefaultMQProducer producer = s.producer();
        Tally all = new Tally();
        List<Tally> perMember = List.of(new Tally(), new Tally(), new Tally());
        List<DefaultMQPushConsumer> members = new ArrayList<>();
        AtomicInteger sent = new AtomicInteger();
        for (int i = 0; i < 3; i++) {
            DefaultMQPushConsumer consumer = s.pushConsumer(s.name("group"));
            consumer.subscribe(topic, "*");
            consumer.registerMessageListener(Session.taking(perMember.get(i), all));
            members.add(consumer);
        }
        members.get(0).start();
        members.get(1).start();
        stream(producer, topic, sent, () -> perMember.get(0).distinct() > 0 && perMember.get(1).distinct() > 0);
        members.get(2).start();
        stream(producer, topic, sent, () -> perMember.get(2).distinct() > 0);
        members.get(0).shutdown();
        int goal = sent.get() + 60;
        stream(producer, topic, sent, () -> sent.get() >= goal);
        all.await(sent.get(), LIMIT_MS);
        return facts("lost", sent.get() - all.distinct(), "shares",
            perMember.stream().map(tally -> tally.distinct() > 0).toList());
    }

    private static void stream(DefaultMQProducer producer, String topic, AtomicInteger sent, BooleanSupplier enough)
        throws Exception {
        long deadline = System.nanoTime() + LIMIT_MS * 1_000_000;
        while (!enough.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException("the group was not divided anew");
            }
            for (int i = 0; i < 6; i++) {
                producer.send(new Message(topic, ("m" + sent.getAndIncrement()).getBytes()));
            }
            Thread.sleep(50);
        }
    }

    /** Two orderly consumers: each queue's messages come in order, to one member at a time. */
    private static Map<String, Object> orderly(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 4);
        String topic = queues.get(0).getTopic();
        Tally all = new Tally();
        Map<Integer, AtomicInteger> inside = new HashMap<>();
        Map<Integer, List<Long>> offsets = new TreeMap<>();
        for (int i = 0; i < 4; i++) {
            inside.put(i, new AtomicInteger());
            offsets.put(i, Collections.synchronizedList(new ArrayList<>()));
        }
        AtomicBoolean overlapped = new AtomicBoolean();
        MessageListenerOrderly listener = (messages, context) -> {
            for (MessageExt message : messages) {
                AtomicInteger here = inside.get(message.getQueueId());
                if (here.incrementAndGet() > 1) {
                    overlapped.set(true);
                }
                offsets.get(message.getQueueId()).add(message.getQueueOffset());
                all.add(new String(message.getBody()));
                here.decrementAndGet();
            }
            return ConsumeOrderlyStatus.SUCCESS;
        };
        for (int i = 0; i < 2; i++) {
            DefaultMQPushConsumer consumer = s.pushConsumer(s.name("group"));
            consumer.subscribe(topic, "*");
            consumer.registerMessageListener(listener);
            consumer.start();
        }
        DefaultMQProducer producer = s.producer();
        for (int i = 0; i < 25; i++) {
            for (String key : List.of("one", "two", "three", "four")) {
                producer.send(new Message(topic, (key + i).getBytes()), new SelectMessageQueueByHash(), key);
            }
        }
        all.await(100, 150_000);
        boolean inOrder = true;
        for (List<Long> list : offsets.values()) {
            long next = 0;
            for (long offset : list) {
                // A queue that changes hands may repeat messages, but never skip one.
                inOrder &= offset <= next;
                next = Math.max(next, offset + 1);
            }
        }
        return facts("received", all.distinct(), "inOrder", inOrder, "overlapped", overlapped.get());
    }

    /** An orderly listener that is not ready gets the same message again, before any other. */
    private static Map<String, Object> suspended(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 1);
        s.send(s.producer(), queues.get(0), bodies("ordered", 4));
        Tally calls = new Tally();
        Tally done = new Tally();
        AtomicInteger refusals = new AtomicInteger();
        DefaultMQPushConsumer consumer = s.pushConsumer(s.name("group"));
        consumer.subscribe(queues.get(0).getTopic(), "*");
        consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
            String body = new String(messages.get(0).getBody());
            calls.add(body + " after " + messages.get(0).getReconsumeTimes());
            if (body.equals("ordered-1") && refusals.getAndIncrement() < 2) {
                return ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;
            }
            done.add(body);
            return ConsumeOrderlyStatus.SUCCESS;
        });
        consumer.start();
        done.await(4, LIMIT_MS);
        return facts("calls", calls.list());
    }

    private static Map<String, Object> offsetsBefore(Session s) throws Exception {
        List<MessageQueue> queues = s.topicNamed(s.prefix + "-offsets", 2);
        DefaultMQProducer producer = s.producer();
        for (MessageQueue queue : queues) {
            s.send(producer, queue, bodies("before" + queue.getQueueId(), 10));
        }
        Tally tally = new Tally();
        DefaultMQPushConsumer consumer = s.consume(s.prefix + "-offsets", queues.get(0).getTopic(), "*", tally);
        tally.await(20, LIMIT_MS);
        consumer.shutdown();
        return facts("received", tally.counts(), "offsets", offsets(s));
    }

    private static Map<String, Object> offsets(Session s) throws Exception {
        String name = s.prefix + "-offsets";
        Map<String, Object> shown = new TreeMap<>();
        Session.await("offsets stored", LIMIT_MS, () -> {
            try {
                shown.clear();
                boolean all = true;
                Map<MessageQueue, OffsetWrapper> table = s.admin().examineConsumeStats(name).getOffsetTable();
                for (Map.Entry<MessageQueue, OffsetWrapper> one : table.entrySet()) {
                    if (one.getKey().getTopic().equals(name)) {
                        OffsetWrapper offset = one.getValue();
                        shown.put("queue" + one.getKey().getQueueId(),
                            offset.getConsumerOffset() + " of " + offset.getBrokerOffset());
                        all &= offset.getConsumerOffset() >= 10;
                    }
                }
                return all && shown.size() == 2;
            } catch (Exception notYet) {
                return false;
            }
        });
        return shown;
    }

    /** Broker and client are new; the group goes on where it was. */
    private static Map<String, Object> offsetsAfter(Session s) throws Exception {
        String name = s.prefix + "-offsets";
        Map<String, Object> before = offsets(s);
        DefaultMQProducer producer = s.producer();
        List<MessageQueue> queues = List.of(new MessageQueue(name, Session.BROKER, 0), new MessageQueue(name, Session.BROKER, 1));
        for (MessageQueue queue : queues) {
            s.send(producer, queue, "after" + queue.getQueueId());
        }
        Tally tally = new Tally();
        s.consume(name, name, "*", tally);
        tally.await(2, LIMIT_MS);
        return facts("offsets", before, "received", tally.counts(), "stored", s.readAll(queues).size());
    }
}

package conformance;

import static conformance.Session.LIMIT_MS;
import static conformance.Session.facts;
import static conformance.Session.failure;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.TransactionSendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.common.message.MessageRequestMode;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RemotingSysResponseCode;
import org.apache.rocketmq.remoting.protocol.RequestCode;

/** Transactions, delays, timers, and consumption by POP. */
final class Features {
    private Features() {}

    static List<Conformance.Row> rows() {
        return Conformance.list(
            "transaction", Conformance.of(Features::transaction),
            "timer", Conformance.of(Features::timer),
            "delay-level", Conformance.of(Features::delayLevel),
            "recall", Conformance.of(Features::recall),
            "pop", Conformance.of(Features::pop));
    }

    private static Map<String, Object> transaction(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 2);
        String topic = queues.get(0).getTopic();
        Map<String, Integer> checks = new ConcurrentHashMap<>();
        TransactionMQProducer producer = new TransactionMQProducer(s.name("producer"));
        s.prepare(producer);
        producer.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
                String body = new String(message.getBody());
                return body.startsWith("commit") ? LocalTransactionState.COMMIT_MESSAGE
                    : body.startsWith("rollback") ? LocalTransactionState.ROLLBACK_MESSAGE : LocalTransactionState.UNKNOW;
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                String body = new String(message.getBody());
                checks.merge(body, 1, Integer::sum);
                return body.equals("later-commit") ? LocalTransactionState.COMMIT_MESSAGE
                    : LocalTransactionState.ROLLBACK_MESSAGE;
            }
        });
        producer.start();
        Tally tally = new Tally();
        s.consume(s.name("group"), topic, "*", tally);
        Map<String, Object> states = new TreeMap<>();
        for (String body : List.of("commit-1", "commit-2", "rollback-1", "later-commit", "later-rollback")) {
            TransactionSendResult result = producer.sendMessageInTransaction(new Message(topic, body.getBytes()), null);
            states.put(body, result.getSendStatus() + " " + result.getLocalTransactionState());
        }
        tally.await(3, 150_000);
        Session.await("both asked back", LIMIT_MS, () -> checks.size() == 2);
        return facts("states", states, "delivered", tally.counts(), "asked", new java.util.TreeSet<>(checks.keySet()));
    }

    /** Starts a consumer that notes of each message whether it came at its time, and waits until it has its queue. */
    private static List<Object> noting(Session s, MessageQueue queue, Tally tally) throws Exception {
        Tally warm = new Tally();
        List<Object> notes = Collections.synchronizedList(new ArrayList<>());
        DefaultMQPushConsumer consumer = s.pushConsumer(s.name("group"));
        consumer.subscribe(queue.getTopic(), "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                if (message.getUserProperty("dueMs") == null) {
                    warm.add("warm");
                    continue;
                }
                long dueMs = Long.parseLong(message.getUserProperty("dueMs"));
                long tookMs = System.currentTimeMillis() - message.getBornTimestamp();
                notes.add(facts("body", new String(message.getBody()), "early", tookMs < dueMs - 1_000, "late",
                    tookMs > dueMs + 15_000, "delay", message.getProperty(MessageConst.PROPERTY_DELAY_TIME_LEVEL),
                    "realTopic", message.getProperty(MessageConst.PROPERTY_REAL_TOPIC) != null));
                tally.add(new String(message.getBody()));
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        s.send(s.producer(), queue, "warm");
        warm.await(1, LIMIT_MS);
        return notes;
    }

    private static Map<String, Object> delayLevel(Session s) throws Exception {
        MessageQueue queue = s.topic("topic", 1).get(0);
        Tally tally = new Tally();
        List<Object> notes = noting(s, queue, tally);
        DefaultMQProducer producer = s.producer();
        List<Object> sent = new ArrayList<>();
        for (int level : new int[] {2, 1}) {
            Message message = new Message(queue.getTopic(), ("level" + level).getBytes());
            message.setDelayTimeLevel(level);
            message.putUserProperty("dueMs", level == 1 ? "1000" : "5000");
            SendResult result = producer.send(message, queue);
            sent.add(result.getSendStatus() + " " + result.getMessageQueue().getQueueId());
        }
        tally.await(2, LIMIT_MS);
        return facts("sent", sent, "notes", List.copyOf(notes));
    }

    private static Map<String, Object> timer(Session s) throws Exception {
        MessageQueue queue = s.topic("topic", 1).get(0);
        Tally tally = new Tally();
        List<Object> notes = noting(s, queue, tally);
        DefaultMQProducer producer = s.producer();
        Message three = new Message(queue.getTopic(), "three seconds".getBytes());
        three.setDelayTimeSec(3);
        three.putUserProperty("dueMs", "3000");
        SendResult sent = producer.send(three, queue);
        Message deliver = new Message(queue.getTopic(), "deliver at".getBytes());
        deliver.setDeliverTimeMs(System.currentTimeMillis() + 6_000);
        deliver.putUserProperty("dueMs", "6000");
        producer.send(deliver, queue);
        Message far = new Message(queue.getTopic(), "too far".getBytes());
        far.setDelayTimeSec(4 * 24 * 3600);
        Object tooFar = failure(() -> producer.send(far, queue));
        Message past = new Message(queue.getTopic(), "past".getBytes());
        past.setDeliverTimeMs(System.currentTimeMillis() - 60_000);
        past.putUserProperty("dueMs", "0");
        SendResult atOnce = producer.send(past, queue);
        Message millis = new Message(queue.getTopic(), "delay in ms".getBytes());
        millis.setDelayTimeMs(4_500);
        millis.putUserProperty("dueMs", "4500");
        producer.send(millis, queue);
        tally.await(4, LIMIT_MS);
        return facts("status", sent.getSendStatus(), "recallHandle", sent.getRecallHandle() != null, "tooFar", tooFar,
            "pastHandle", atOnce.getRecallHandle() != null, "notes", List.copyOf(notes));
    }

    /** A timer message that is called back in time is never delivered. */
    private static Map<String, Object> recall(Session s) throws Exception {
        MessageQueue queue = s.topic("topic", 1).get(0);
        Tally tally = new Tally();
        noting(s, queue, tally);
        DefaultMQProducer producer = s.producer();
        List<SendResult> sent = new ArrayList<>();
        for (String body : List.of("recalled", "kept")) {
            Message message = new Message(queue.getTopic(), body.getBytes());
            message.setDelayTimeSec(6);
            message.putUserProperty("dueMs", "6000");
            sent.add(producer.send(message, queue));
        }
        String id = producer.recallMessage(queue.getTopic(), sent.get(0).getRecallHandle());
        tally.await(1, LIMIT_MS);
        Thread.sleep(3_000);
        String kept = sent.get(1).getRecallHandle();
        String other = s.topic("other", 1).get(0).getTopic();
        return facts("id", id.equals(sent.get(0).getMsgId()), "delivered", tally.list(), "badHandle",
            failure(() -> producer.recallMessage(queue.getTopic(), "bm90aGluZw==")), "noBase64",
            failure(() -> producer.recallMessage(queue.getTopic(), "?!")), "tooLate",
            failure(() -> producer.recallMessage(queue.getTopic(), kept)), "otherTopic",
            failure(() -> producer.recallMessage(other, kept)));
    }

    /** The broker gives out messages one by one instead of queues: each is consumed once, also by two members. */
    private static Map<String, Object> pop(Session s) throws Exception {
        RemotingCommand probe = s.admin().getDefaultMQAdminExtImpl().getMqClientInstance().getMQClientAPIImpl()
            .getRemotingClient().invokeSync(s.brokerAddress(),
                RemotingCommand.createRequestCommand(RequestCode.POP_MESSAGE, null), 10_000);
        if (probe.getCode() == RemotingSysResponseCode.REQUEST_CODE_NOT_SUPPORTED) {
            throw new IllegalStateException(probe.getRemark());
        }
        List<MessageQueue> queues = s.topic("topic", 4);
        String topic = queues.get(0).getTopic();
        s.admin().setMessageRequestMode(s.brokerAddress(), topic, s.name("group"), MessageRequestMode.POP, 0, 10_000);
        Tally tally = new Tally();
        for (int i = 0; i < 2; i++) {
            DefaultMQPushConsumer consumer = s.pushConsumer(s.name("group"));
            consumer.setClientRebalance(false);
            consumer.subscribe(topic, "*");
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                for (MessageExt message : messages) {
                    tally.add(new String(message.getBody(), StandardCharsets.UTF_8)
                        + (message.getProperty(MessageConst.PROPERTY_POP_CK) == null ? " pulled" : " popped"));
                }
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
            consumer.start();
        }
        DefaultMQProducer producer = s.producer();
        for (String body : Session.bodies("pop", 20)) {
            producer.send(new Message(topic, body.getBytes()));
        }
        tally.await(20, LIMIT_MS);
        return facts("counts", tally.counts());
    }
}

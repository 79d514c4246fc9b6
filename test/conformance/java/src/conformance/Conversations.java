package conformance;

import static conformance.Session.LIMIT_MS;
import static conformance.Session.facts;
import static conformance.Session.failure;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.RequestTimeoutException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.RequestCallback;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Requests and their replies, and the traces that clients leave of what they do. */
final class Conversations {
    private static final String TRACE_TOPIC = "RMQ_SYS_TRACE_TOPIC";
    private static final String FIELD = "\u0001";
    private static final String RECORD = "\u0002";

    private Conversations() {}

    static List<Conformance.Row> rows() {
        return Conformance.list(
            "message-trace", Conformance.of(Conversations::messageTrace),
            "request-reply", Conformance.of(Conversations::requestReply));
    }

    /** A request comes back with its answer; one that nobody answers runs out of time. */
    private static Map<String, Object> requestReply(Session s) throws Exception {
        MessageQueue queue = s.topic("topic", 1).get(0);
        DefaultMQProducer answering = s.producer();
        DefaultMQPushConsumer consumer = s.pushConsumer(s.name("group"));
        consumer.subscribe(queue.getTopic(), "*");
        Set<String> stored = Collections.synchronizedSet(new TreeSet<>());
        Set<String> strayed = Collections.synchronizedSet(new TreeSet<>());
        Tally warm = new Tally();
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                String body = new String(message.getBody());
                if (body.equals("warm") || body.equals("ignored")) {
                    warm.add(body);
                    continue;
                }
                try {
                    Message reply = MessageUtil.createReplyMessage(message, ("re: " + body).getBytes());
                    stored.add(answering.send(reply, 5_000).getSendStatus().name());
                    Message stray = MessageUtil.createReplyMessage(message, "stray".getBytes());
                    stray.getProperties().put(MessageConst.PROPERTY_MESSAGE_REPLY_TO_CLIENT, "nobody");
                    strayed.add(String.valueOf(failure(() -> answering.send(stray, 5_000))));
                } catch (Exception unknownYet) {
                    // The broker does not know the client that asks; it asks again.
                    continue;
                }
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        DefaultMQProducer asking = s.producer();
        s.send(asking, queue, "warm");
        warm.await(1, LIMIT_MS);
        List<Object> answers = new ArrayList<>();
        for (String question : List.of("one", "two")) {
            Message answer = askAgain(asking, queue.getTopic(), question);
            answers.add(new String(answer.getBody()));
            answers.add(answer.getProperties().keySet().stream()
                .filter(name -> name.contains("REPLY") || name.equals("CORRELATION_ID") || name.equals("MSG_TYPE"))
                .collect(java.util.stream.Collectors.toCollection(TreeSet::new)).toString());
        }
        Object ignored = failure(() -> ask(asking, new Message(queue.getTopic(), "ignored".getBytes()), 3_000));
        Session.await("one strayed", LIMIT_MS, () -> !strayed.isEmpty());
        return facts("answers", answers, "stored", stored, "strayed", strayed, "ignored",
            String.valueOf(ignored).replaceAll("[0-9a-f-]{36}", "UUID"));
    }

    /** A client whose heartbeat is under way sends none for its request, and the broker does not know it yet. */
    private static Message askAgain(DefaultMQProducer asking, String topic, String question) throws Exception {
        for (int left = 5;; left--) {
            try {
                return ask(asking, new Message(topic, question.getBytes()), 10_000);
            } catch (RequestTimeoutException thrown) {
                if (left == 0) {
                    throw thrown;
                }
            }
        }
    }

    /**
     * Asks by callback: this version of the client takes the end of a plain request's send for its answer, and tells
     * the callback of it too.
     */
    private static Message ask(DefaultMQProducer asking, Message question, long withinMs) throws Exception {
        CompletableFuture<Message> answer = new CompletableFuture<>();
        asking.request(question, new RequestCallback() {
            @Override
            public void onSuccess(Message message) {
                if (message != null) {
                    answer.complete(message);
                }
            }

            @Override
            public void onException(Throwable thrown) {
                answer.completeExceptionally(thrown);
            }
        }, withinMs);
        try {
            return answer.get(LIMIT_MS, TimeUnit.MILLISECONDS);
        } catch (ExecutionException thrown) {
            throw (Exception) thrown.getCause();
        }
    }

    /** What producer and consumer tell of themselves in the topic of traces, in the order of the fields. */
    private static Map<String, Object> messageTrace(Session s) throws Exception {
        MessageQueue queue = s.topic("topic", 1).get(0);
        String producerGroup = s.name("producer");
        DefaultMQProducer producer = new DefaultMQProducer(producerGroup, true, null);
        s.prepare(producer);
        producer.start();
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(s.name("group"));
        consumer.setEnableTrace(true);
        consumer.setNamesrvAddr(s.nameServer);
        consumer.setInstanceName(s.instance());
        s.later(consumer::shutdown);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(queue.getTopic(), "*");
        Tally tally = new Tally();
        consumer.registerMessageListener(Session.taking(tally));
        consumer.start();
        Message message = new Message(queue.getTopic(), "tag", "key-1 key-2", "traced".getBytes());
        String id = producer.send(message, queue).getMsgId();
        tally.await(1, LIMIT_MS);
        Map<String, Object> seen = Collections.synchronizedMap(new TreeMap<>());
        DefaultMQPushConsumer reader = s.pushConsumer(s.name("reader"));
        reader.subscribe(TRACE_TOPIC, "*");
        reader.registerMessageListener((MessageListenerConcurrently) (traces, context) -> {
            for (MessageExt trace : traces) {
                for (String record : new String(trace.getBody()).split(RECORD)) {
                    if (record.contains(id)) {
                        note(seen, trace, record.split(FIELD), id);
                    }
                }
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        reader.start();
        Session.await("three traces", LIMIT_MS, () -> seen.size() == 3);
        Session.await("the index", LIMIT_MS, () -> !queried(s, id).isEmpty());
        return facts("traces", new TreeMap<>(seen), "byId", queried(s, id));
    }

    private static void note(Map<String, Object> seen, MessageExt trace, String[] fields, String id) {
        List<String> shown = new ArrayList<>();
        for (String field : fields) {
            boolean varies = field.matches("\\d{2,}") || field.matches("[0-9A-F]{32,}") || field.contains(":");
            shown.add(field.equals(id) ? "ID" : varies ? "~" : field);
        }
        // The time that sending or consuming took.
        int took = fields[0].equals("Pub") ? 10 : fields[0].equals("SubAfter") ? 3 : -1;
        if (took >= 0) {
            shown.set(took, "~");
        }
        seen.put(fields[0], facts("fields", shown, "keyed", trace.getKeys().contains(id)));
    }

    /** Types of the traces that are found by the id of the message. */
    private static TreeSet<String> queried(Session s, String id) {
        TreeSet<String> types = new TreeSet<>();
        try {
            for (MessageExt trace : s.admin().queryMessage(TRACE_TOPIC, id, 32, 0, Long.MAX_VALUE).getMessageList()) {
                types.add(new String(trace.getBody()).split(FIELD)[0]);
            }
        } catch (Exception notYet) {
            return types;
        }
        return types.size() < 2 ? new TreeSet<>() : types;
    }
}

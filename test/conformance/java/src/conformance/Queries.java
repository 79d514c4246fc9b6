package conformance;

import static conformance.Session.LIMIT_MS;
import static conformance.Session.facts;
import static conformance.Session.failure;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Finding a message again: by where it lies, by the id its producer gave it, by its keys. */
final class Queries {
    private Queries() {}

    static List<Conformance.Row> rows() {
        return Conformance.list(
            "query-by-id", Conformance.of(Queries::byId),
            "query-by-key", Conformance.of(Queries::byKey));
    }

    private static Object messageFacts(MessageExt message) {
        return facts("topic", message.getTopic(), "body", new String(message.getBody()), "queueId",
            message.getQueueId(), "queueOffset", message.getQueueOffset(), "tags", message.getTags(), "keys",
            message.getKeys(), "flag", message.getFlag(), "reconsumeTimes", message.getReconsumeTimes(), "sysFlag",
            message.getSysFlag(), "properties", new ArrayList<>(new java.util.TreeSet<>(message.getProperties().keySet())));
    }

    private static Map<String, Object> byId(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 1);
        String topic = queues.get(0).getTopic();
        DefaultMQProducer producer = s.producer();
        Message message = new Message(topic, "tag", "key", "wanted".getBytes());
        message.putUserProperty("own", "property");
        SendResult sent = producer.send(message, queues.get(0));
        Session.await("indexed", LIMIT_MS, () -> {
            try {
                return producer.viewMessage(topic, sent.getMsgId()) != null;
            } catch (Exception notYet) {
                return false;
            }
        });
        Object byUnique = messageFacts(producer.viewMessage(topic, sent.getMsgId()));
        Object byOffset = messageFacts(producer.viewMessage(topic, sent.getOffsetMsgId()));
        Object byAdmin = messageFacts(s.admin().viewMessage(topic, sent.getMsgId()));
        String beyond = sent.getOffsetMsgId().substring(0, 16) + "00000000FFFFFFF0";
        String inside = sent.getOffsetMsgId().substring(0, 16)
            + String.format("%016X", Long.parseLong(sent.getOffsetMsgId().substring(16), 16) + 5);
        return facts("byUnique", byUnique, "byOffset", byOffset, "byAdmin", byAdmin,
            "unknownUnique", failure(() -> producer.viewMessage(topic, "7F000001000000000000000000000000")),
            "beyondTheLog", failure(() -> producer.viewMessage(topic, beyond)),
            "insideARecord", failure(() -> producer.viewMessage(topic, inside)));
    }

    private static Map<String, Object> byKey(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 2);
        String topic = queues.get(0).getTopic();
        DefaultMQProducer producer = s.producer();
        long began = System.currentTimeMillis() - 10_000;
        for (int i = 0; i < 6; i++) {
            producer.send(new Message(topic, "t", i % 2 == 0 ? "even number" : "odd number", ("m" + i).getBytes()),
                queues.get(i % 2));
        }
        long end = System.currentTimeMillis() + 600_000;
        Session.await("indexed", LIMIT_MS, () -> {
            try {
                return producer.queryMessage(topic, "number", 10, began, end).getMessageList().size() == 6;
            } catch (Exception notYet) {
                return false;
            }
        });
        Map<String, Object> shown = facts();
        for (String key : List.of("even", "odd", "number")) {
            QueryResult result = producer.queryMessage(topic, key, 10, began, end);
            shown.put(key, result.getMessageList().stream().map(one -> new String(one.getBody())).sorted().toList());
        }
        shown.put("atMostTwo", producer.queryMessage(topic, "number", 2, began, end).getMessageList().size());
        shown.put("unknownKey", failure(() -> producer.queryMessage(topic, "nothing", 10, began, end)));
        shown.put("otherTime", failure(() -> producer.queryMessage(topic, "even", 10, 0, began)));
        shown.put("otherTopic", failure(() -> producer.queryMessage("SELF_TEST_TOPIC", "even", 10, began, end)));
        return shown;
    }
}

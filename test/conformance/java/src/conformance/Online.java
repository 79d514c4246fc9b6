package conformance;

import static conformance.Session.LIMIT_MS;
import static conformance.Session.bodies;
import static conformance.Session.facts;
import static conformance.Session.failure;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.body.ConsumeMessageDirectlyResult;
import org.apache.rocketmq.remoting.protocol.body.ConsumerRunningInfo;
import org.apache.rocketmq.remoting.protocol.body.QueryConsumeQueueResponseBody;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** What the server asks the consumers that are connected, and passes on to tools. */
final class Online {
    private Online() {}

    static List<Conformance.Row> rows() {
        return Conformance.list(
            "consumer-running-info", Conformance.of(Online::runningInfo),
            "consume-directly", Conformance.of(Online::directly),
            "consumer-status", Conformance.of(Online::status),
            "query-queue", Conformance.of(Online::queueByTags),
            "sql-query-queue-after-restart", Conformance.of(Online::queueByExpression));
    }

    private static String clientOf(DefaultMQAdminExt admin, String group) throws Exception {
        Session.awaitMembers(admin, group, 1);
        return admin.examineConsumerConnectionInfo(group).getConnectionSet().iterator().next().getClientId();
    }

    private static Map<String, Object> runningInfo(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 2);
        String topic = queues.get(0).getTopic();
        String group = s.name("group");
        DefaultMQAdminExt admin = s.admin();
        Tally tally = new Tally();
        s.consume(group, topic, "a || b", tally);
        s.producer().send(new Message(topic, "a", "m".getBytes()), queues.get(0));
        tally.await(1, LIMIT_MS);
        String client = clientOf(admin, group);
        ConsumerRunningInfo info = admin.getConsumerRunningInfo(group, client, true);
        Map<String, Object> places = new TreeMap<>();
        info.getMqTable().forEach((queue, one) -> {
            if (queue.getTopic().equals(topic)) {
                places.put("queue" + queue.getQueueId(), facts("cached", one.getCachedMsgCount(), "locked",
                    one.isLocked(), "dropped", one.isDroped(), "pulled", one.getLastPullTimestamp() > 0));
            }
        });
        Map<String, Object> shown = facts("queues", places,
            "subscriptions", info.getSubscriptionSet().stream().map(one -> one.getTopic() + " " + one.getSubString())
                .sorted().toList(),
            "statuses", new TreeSet<>(info.getStatusTable().keySet()),
            "orderly", info.getProperties().get("PROP_CONSUMEORDERLY"),
            "stack", info.getJstack() != null && info.getJstack().contains("TID"));
        shown.put("withoutStack", admin.getConsumerRunningInfo(group, client, false).getJstack());
        shown.put("unknownClient", failure(() -> admin.getConsumerRunningInfo(group, "nobody", false)));
        shown.put("unknownGroup", failure(() -> admin.getConsumerRunningInfo(s.name("nobody"), client, false)));
        return shown;
    }

    private static Object outcome(ConsumeMessageDirectlyResult result) {
        return facts("order", result.isOrder(), "autoCommit", result.isAutoCommit(), "result", result.getConsumeResult(),
            "remark", result.getRemark() == null ? null : Session.normal(result.getRemark()).split("\n")[0]);
    }

    /** A tool has one message consumed now, whatever the queue is at. */
    private static Map<String, Object> directly(Session s) throws Exception {
        MessageQueue queue = s.topic("topic", 1).get(0);
        String topic = queue.getTopic();
        DefaultMQAdminExt admin = s.admin();
        Map<String, Object> shown = facts();
        SendResult taken = s.producer().send(new Message(topic, "taken".getBytes()), queue);
        SendResult refused = s.producer().send(new Message(topic, "refused".getBytes()), queue);
        SendResult broken = s.producer().send(new Message(topic, "broken".getBytes()), queue);
        Tally tally = new Tally();
        DefaultMQPushConsumer consumer = s.pushConsumer(s.name("group"));
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            String body = new String(messages.get(0).getBody());
            boolean isFirst = !tally.counts().containsKey(body);
            tally.add(body);
            if (!isFirst && body.equals("broken")) throw new IllegalArgumentException("broken");
            return isFirst || !body.equals("refused") ? ConsumeConcurrentlyStatus.CONSUME_SUCCESS
                : ConsumeConcurrentlyStatus.RECONSUME_LATER;
        });
        consumer.start();
        tally.await(3, LIMIT_MS);
        String client = clientOf(admin, s.name("group"));
        for (Map.Entry<String, SendResult> one : Map.of("taken", taken, "refused", refused, "broken", broken).entrySet()) {
            shown.put(one.getKey(), outcome(
                admin.consumeMessageDirectly(s.name("group"), client, topic, one.getValue().getOffsetMsgId())));
        }
        shown.put("counts", tally.counts());
        Tally ordered = new Tally();
        DefaultMQPushConsumer orderly = s.pushConsumer(s.name("orderly"));
        orderly.subscribe(topic, "*");
        orderly.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
            messages.forEach(one -> ordered.add(new String(one.getBody())));
            return ConsumeOrderlyStatus.SUCCESS;
        });
        orderly.start();
        ordered.await(3, LIMIT_MS);
        shown.put("orderly", outcome(admin.consumeMessageDirectly(s.name("orderly"),
            clientOf(admin, s.name("orderly")), topic, taken.getOffsetMsgId())));
        shown.put("unknownClient", failure(() ->
            admin.consumeMessageDirectly(s.name("group"), "nobody", topic, taken.getOffsetMsgId())));
        String beyond = taken.getOffsetMsgId().substring(0, 16) + "00000000FFFFFFF0";
        shown.put("unknownMessage", failure(() ->
            admin.consumeMessageDirectly(s.name("group"), client, topic, beyond)));
        return shown;
    }

    private static Map<String, Object> status(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 2);
        String topic = queues.get(0).getTopic();
        String group = s.name("group");
        DefaultMQAdminExt admin = s.admin();
        s.send(s.producer(), queues.get(1), bodies("m", 3));
        Tally tally = new Tally();
        DefaultMQPushConsumer consumer = s.consume(group, topic, "*", tally);
        tally.await(3, LIMIT_MS);
        String client = clientOf(admin, group);
        Map<String, Object> shown = facts("all", statuses(admin, topic, group, ""),
            "one", statuses(admin, topic, group, client), "unknownClient", statuses(admin, topic, group, "nobody"),
            "unknownTopic", statuses(admin, s.name("nothing"), group, ""));
        consumer.shutdown();
        Session.await("gone", LIMIT_MS, () -> failure(() -> admin.examineConsumerConnectionInfo(group)).toString()
            .contains("Exception"));
        shown.put("offline", statuses(admin, topic, group, ""));
        return shown;
    }

    private static Object statuses(DefaultMQAdminExt admin, String topic, String group, String client) {
        return failure(() -> {
            Map<String, Object> byQueue = new TreeMap<>();
            admin.getConsumeStatus(topic, group, client).values().forEach(table ->
                table.forEach((queue, offset) -> byQueue.put("queue" + queue.getQueueId(), offset)));
            return byQueue;
        });
    }

    private static Map<String, Object> queueByTags(Session s) throws Exception {
        MessageQueue queue = s.topic("topic", 1).get(0);
        for (String tag : List.of("a", "b", "c")) {
            s.producer().send(new Message(queue.getTopic(), tag, tag.getBytes()), queue);
        }
        Tally tally = new Tally();
        s.consume(s.name("group"), queue.getTopic(), "a || c", tally);
        tally.await(2, LIMIT_MS);
        return facts("noGroup", entries(s, queue, null), "offline", entries(s, queue, s.name("nobody")),
            "online", entries(s, queue, s.name("group")), "unknownQueue",
            entries(s, new MessageQueue(queue.getTopic(), queue.getBrokerName(), 5), null));
    }

    private static Map<String, Object> queueByExpression(Session s) throws Exception {
        MessageQueue queue = s.topic("topic", 1).get(0);
        Message message = new Message(queue.getTopic(), "m".getBytes());
        message.putUserProperty("size", "5");
        s.producer().send(message, queue);
        Tally tally = new Tally();
        DefaultMQPushConsumer consumer = s.pushConsumer(s.name("group"));
        consumer.subscribe(queue.getTopic(), MessageSelector.bySql("size > 4"));
        consumer.registerMessageListener(Session.taking(tally));
        consumer.start();
        tally.await(1, LIMIT_MS);
        return facts("online", entries(s, queue, s.name("group")));
    }

    private static Object entries(Session s, MessageQueue queue, String group) {
        return failure(() -> {
            QueryConsumeQueueResponseBody body = s.admin().queryConsumeQueue(s.brokerAddress(), queue.getTopic(),
                queue.getQueueId(), 0, 10, group);
            return facts("min", body.getMinQueueIndex(), "max", body.getMaxQueueIndex(), "count",
                body.getQueueData().size(), "eval", body.getQueueData().stream().map(one -> one.isEval()).toList(),
                "subscription", body.getSubscriptionData() == null ? null : body.getSubscriptionData().getSubString(),
                "filter", body.getFilterData() == null ? null : body.getFilterData().replaceAll("\\d{13}", "MILLIS"));
        });
    }
}

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
import java.util.TreeSet;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.admin.ConsumeStats;
import org.apache.rocketmq.remoting.protocol.admin.OffsetWrapper;
import org.apache.rocketmq.remoting.protocol.admin.TopicOffset;
import org.apache.rocketmq.remoting.protocol.body.Connection;
import org.apache.rocketmq.remoting.protocol.body.ConsumerConnection;
import org.apache.rocketmq.remoting.protocol.body.ConsumerRunningInfo;
import org.apache.rocketmq.remoting.protocol.route.QueueData;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** Topics, groups, statistics and offsets as the admin client sees them. */
final class Administration {
    private Administration() {}

    static List<Conformance.Row> rows() {
        return Conformance.list(
            "admin-topics", Conformance.of(Administration::topics),
            "admin-groups", Conformance.of(Administration::groups),
            "admin-stats", Conformance.of(Administration::stats),
            "admin-connections", Conformance.of(Administration::connections),
            "admin-reset-offset", Conformance.of(Administration::resetOffset),
            "admin-kv-config", Conformance.of(Administration::kvConfig));
    }

    private static Object queueFacts(DefaultMQAdminExt admin, String topic) throws Exception {
        QueueData data = admin.examineTopicRouteInfo(topic).getQueueDatas().get(0);
        return facts("read", data.getReadQueueNums(), "write", data.getWriteQueueNums(), "perm", data.getPerm());
    }

    private static Map<String, Object> topics(Session s) throws Exception {
        String topic = s.topic("topic", 3).get(0).getTopic();
        DefaultMQAdminExt admin = s.admin();
        String address = s.brokerAddress();
        Object created = queueFacts(admin, topic);
        s.change(new TopicConfig(topic, 8, 2, 4));
        Object changed = queueFacts(admin, topic);
        boolean listed = admin.fetchAllTopicList().getTopicList().contains(topic);
        TopicConfig config = admin.examineTopicConfig(address, topic);
        admin.deleteTopicInBroker(Set.of(address), topic);
        admin.deleteTopicInNameServer(Set.of(s.nameServer), topic);
        Map<String, Object> shown = facts("created", created, "changed", changed, "listed", listed, "config",
            facts("read", config.getReadQueueNums(), "write", config.getWriteQueueNums(), "perm", config.getPerm(),
                "filter", config.getTopicFilterType(), "order", config.isOrder()));
        shown.put("deletedRoute", failure(() -> admin.examineTopicRouteInfo(topic)));
        shown.put("deletedConfig", failure(() -> admin.examineTopicConfig(address, topic)));
        shown.put("deletedStats", failure(() -> admin.examineTopicStats(address, topic)));
        shown.put("badName", failure(() -> {
            admin.createAndUpdateTopicConfig(address, new TopicConfig("a/b", 1, 1, 6));
            return "created";
        }));
        shown.put("systemName", failure(() -> {
            admin.createAndUpdateTopicConfig(address, new TopicConfig("SCHEDULE_TOPIC_XXXX", 1, 1, 6));
            return "created";
        }));
        shown.put("systemTopics", new TreeSet<>(admin.fetchAllTopicList().getTopicList()).stream()
            .filter(name -> name.startsWith("RMQ_SYS") || name.startsWith("SCHEDULE") || name.startsWith("OFFSET")
                || name.startsWith("SELF") || name.startsWith("TBW")).toList());
        return shown;
    }

    private static Object groupFacts(SubscriptionGroupConfig config) {
        return facts("consumeEnable", config.isConsumeEnable(), "fromMin", config.isConsumeFromMinEnable(),
            "broadcast", config.isConsumeBroadcastEnable(), "orderly", config.isConsumeMessageOrderly(), "retryQueues",
            config.getRetryQueueNums(), "retryMaxTimes", config.getRetryMaxTimes(), "brokerId", config.getBrokerId(),
            "slowly", config.getWhichBrokerWhenConsumeSlowly(), "notify", config.isNotifyConsumerIdsChangedEnable());
    }

    private static Map<String, Object> groups(Session s) throws Exception {
        DefaultMQAdminExt admin = s.admin();
        String address = s.brokerAddress();
        SubscriptionGroupConfig config = new SubscriptionGroupConfig();
        config.setGroupName(s.name("made"));
        config.setRetryMaxTimes(3);
        config.setRetryQueueNums(2);
        admin.createAndUpdateSubscriptionGroupConfig(address, config);
        Map<String, Object> shown = facts();
        shown.put("made", groupFacts(admin.examineSubscriptionGroupConfig(address, s.name("made"))));
        config.setConsumeEnable(false);
        admin.createAndUpdateSubscriptionGroupConfig(address, config);
        shown.put("changed", groupFacts(admin.examineSubscriptionGroupConfig(address, s.name("made"))));
        MessageQueue queue = s.topic("topic", 1).get(0);
        s.send(s.producer(), queue, "m");
        Thread.sleep(300);
        shown.put("pullOfDisabled", failure(() -> s.pullConsumer(s.name("made")).pull(queue, "*", 0, 1)));
        Map<String, SubscriptionGroupConfig> all =
            admin.getAllSubscriptionGroup(address, 10_000).getSubscriptionGroupTable();
        shown.put("listed", all.containsKey(s.name("made")));
        shown.put("system", all.keySet().stream()
            .filter(name -> name.startsWith("CID_") || name.startsWith("TOOLS") || name.startsWith("SELF")
                || name.startsWith("FILTER")).sorted().toList());
        admin.deleteSubscriptionGroup(address, s.name("made"), true);
        shown.put("listedAfter", admin.getAllSubscriptionGroup(address, 10_000).getSubscriptionGroupTable()
            .containsKey(s.name("made")));
        return shown;
    }

    private static Map<String, Object> stats(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 2);
        String topic = queues.get(0).getTopic();
        DefaultMQProducer producer = s.producer();
        s.send(producer, queues.get(0), bodies("m", 3));
        s.send(producer, queues.get(1), bodies("m", 2));
        Tally tally = new Tally();
        DefaultMQPushConsumer consumer = s.pushConsumer(s.name("group"));
        consumer.setPersistConsumerOffsetInterval(500);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            messages.forEach(one -> tally.add(one.getQueueId() + new String(one.getBody())));
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        tally.await(5, LIMIT_MS);
        consumer.shutdown();
        DefaultMQAdminExt admin = s.admin();
        Map<String, Object> offsets = new TreeMap<>();
        for (Map.Entry<MessageQueue, TopicOffset> one : admin.examineTopicStats(topic).getOffsetTable().entrySet()) {
            offsets.put("queue" + one.getKey().getQueueId(), one.getValue().getMinOffset() + " to "
                + one.getValue().getMaxOffset() + (one.getValue().getLastUpdateTimestamp() > 0 ? " dated" : ""));
        }
        Map<String, Object> consumed = new TreeMap<>();
        ConsumeStats stats = admin.examineConsumeStats(s.name("group"), topic);
        for (Map.Entry<MessageQueue, OffsetWrapper> one : stats.getOffsetTable().entrySet()) {
            // The retry topic appears once the consumer has learnt of it, half a minute after its start.
            if (one.getKey().getTopic().equals(topic)) {
                consumed.put("queue" + one.getKey().getQueueId(),
                    one.getValue().getConsumerOffset() + " of " + one.getValue().getBrokerOffset());
            }
        }
        return facts("topic", offsets, "group", consumed, "diff", stats.computeTotalDiff(), "groupsOfTopic",
            admin.queryTopicConsumeByWho(topic).getGroupList().stream().filter(name -> name.endsWith("group")).toList(),
            "topicsOfGroup", failure(() -> admin.queryTopicsByConsumer(s.name("group")).getTopicList().stream()
                .filter(name -> name.equals(topic)).toList()),
            "unknownTopic", failure(() -> admin.examineTopicStats(s.name("nothing"))),
            "unknownGroup", failure(() -> admin.examineConsumeStats(s.name("nobody"))));
    }

    private static Map<String, Object> connections(Session s) throws Exception {
        MessageQueue queue = s.topic("topic", 1).get(0);
        DefaultMQPushConsumer consumer = s.consume(s.name("group"), queue.getTopic(), "a || b", new Tally());
        DefaultMQAdminExt admin = s.admin();
        Session.awaitMembers(admin, s.name("group"), 1);
        ConsumerConnection connection = admin.examineConsumerConnectionInfo(s.name("group"));
        Map<String, Object> subscriptions = new TreeMap<>();
        connection.getSubscriptionTable().forEach((topic, data) -> subscriptions.put(topic,
            data.getSubString() + " " + new TreeSet<>(data.getTagsSet()) + " " + data.getExpressionType()));
        List<Object> clients = new ArrayList<>();
        String clientId = null;
        for (Connection one : connection.getConnectionSet()) {
            clients.add(facts("language", one.getLanguage(), "version", one.getVersion()));
            clientId = one.getClientId();
        }
        String id = clientId;
        ConsumerRunningInfo info = admin.getConsumerRunningInfo(s.name("group"), id, false);
        Map<String, Object> shown = facts("type", connection.getConsumeType(), "model", connection.getMessageModel(),
            "from", connection.getConsumeFromWhere(), "clients", clients, "subscriptions", subscriptions, "running",
            facts("subscriptions", info.getSubscriptionSet().size(), "type", info.getProperties().get("PROP_CONSUME_TYPE")));
        shown.put("unknownClient", failure(() -> admin.getConsumerRunningInfo(s.name("group"), "nobody", false)));
        consumer.shutdown();
        Session.await("gone", LIMIT_MS, () -> failure(() -> admin.examineConsumerConnectionInfo(s.name("group")))
            .toString().contains("Exception"));
        shown.put("afterShutdown", failure(() -> admin.examineConsumerConnectionInfo(s.name("group"))));
        shown.put("never", failure(() -> admin.examineConsumerConnectionInfo(s.name("nobody"))));
        return shown;
    }

    /** A group that has consumed everything is set back and gets everything again. */
    private static Map<String, Object> resetOffset(Session s) throws Exception {
        MessageQueue queue = s.topic("topic", 1).get(0);
        s.send(s.producer(), queue, bodies("m", 5));
        Tally first = new Tally();
        DefaultMQPushConsumer consumer = s.consume(s.name("group"), queue.getTopic(), "*", first);
        first.await(5, LIMIT_MS);
        DefaultMQAdminExt admin = s.admin();
        Map<MessageQueue, Long> table =
            admin.resetOffsetByTimestamp(queue.getTopic(), s.name("group"), 1, true);
        Session.await("everything again", LIMIT_MS, () -> first.list().size() >= 10);
        consumer.shutdown();
        Map<String, Object> reset = new TreeMap<>();
        table.forEach((one, offset) -> reset.put("queue" + one.getQueueId(), offset));
        return facts("reset", reset, "distinct", first.distinct(), "unknownTopic",
            failure(() -> admin.resetOffsetByTimestamp(s.name("nothing"), s.name("group"), 1, true)));
    }

    private static Map<String, Object> kvConfig(Session s) throws Exception {
        DefaultMQAdminExt admin = s.admin();
        admin.createAndUpdateKvConfig(s.name("space"), "key", "Wert 値");
        Map<String, Object> shown = facts("value", admin.getKVConfig(s.name("space"), "key"), "list",
            admin.getKVListByNamespace(s.name("space")).getTable());
        admin.deleteKvConfig(s.name("space"), "key");
        shown.put("deleted", failure(() -> admin.getKVConfig(s.name("space"), "key")));
        shown.put("unknownSpace", failure(() -> admin.getKVListByNamespace(s.name("nowhere"))));
        return shown;
    }
}

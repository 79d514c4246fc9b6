package conformance;

import static conformance.Session.LIMIT_MS;
import static conformance.Session.facts;

import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageAccessor;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.CommandCustomHeader;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.header.PullMessageRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.QueryConsumerOffsetRequestHeader;
import org.apache.rocketmq.remoting.protocol.heartbeat.MessageModel;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;

/** Settings of the broker that consumers notice, with each of their values. */
final class Settings {
    private static final int SUBSCRIBED = 4;

    private Settings() {}

    static List<Conformance.Row> rows() {
        return Conformance.list("broker-settings-alone", Conformance.of(Settings::all));
    }

    private static Map<String, Object> all(Session s) throws Exception {
        Map<String, Object> shown = new LinkedHashMap<>();
        for (boolean value : new boolean[] {true, false}) {
            shown.put("notifyConsumerIdsChangedEnable=" + value,
                Switches.with(s, "notifyConsumerIdsChangedEnable", value, true, () -> joined(s, value)));
            shown.put("enableBroadcastOffsetStore=" + value,
                Switches.with(s, "enableBroadcastOffsetStore", value, true, () -> broadcast(s, value)));
            shown.put("filterSupportRetry=" + value,
                Switches.with(s, "filterSupportRetry", value, false, () -> filtered(s, value)));
            shown.put("enableCreateSysGroup=" + value, Switches.with(s, "autoCreateSubscriptionGroup", false, true, () ->
                Switches.with(s, "enableCreateSysGroup", value, true, () -> system(s, value))));
            shown.put("slaveReadEnable=" + value,
                Switches.with(s, "slaveReadEnable", value, false, () -> suggested(s, value)));
        }
        return shown;
    }

    /** Whether the first member of a group gives up queues soon after the second has come. */
    private static Object joined(Session s, boolean value) throws Exception {
        String name = "joined-" + value;
        String topic = s.topic(name, 4).get(0).getTopic();
        DefaultMQPushConsumer first = s.consume(s.name(name), topic, "*", new Tally());
        Session.await("all queues", LIMIT_MS, () -> queues(first, topic) == 4);
        s.consume(s.name(name), topic, "*", new Tally());
        long until = System.nanoTime() + 4_000_000_000L;
        while (queues(first, topic) == 4 && System.nanoTime() < until) Thread.sleep(50);
        return facts("queues of the first", queues(first, topic));
    }

    private static long queues(DefaultMQPushConsumer consumer, String topic) {
        return consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().keySet().stream()
            .filter(queue -> queue.getTopic().equals(topic)).count();
    }

    /** What is committed for a broadcasting group whose clients keep their offsets. */
    private static Object broadcast(Session s, boolean value) throws Exception {
        String name = "broadcast-" + value;
        MessageQueue queue = s.topic(name, 1).get(0);
        s.send(s.producer(name), queue, Session.bodies("m", 3));
        DefaultMQPushConsumer consumer = s.pushConsumer(s.name(name));
        consumer.setMessageModel(MessageModel.BROADCASTING);
        consumer.subscribe(queue.getTopic(), "*");
        Tally tally = new Tally();
        consumer.registerMessageListener(Session.taking(tally));
        consumer.start();
        tally.await(3, LIMIT_MS);
        if (!value) {
            Thread.sleep(7_000);
        } else {
            Session.await("offset of the group", LIMIT_MS, () -> committed(s, name, queue).equals("0 3"));
        }
        return committed(s, name, queue);
    }

    private static String committed(Session s, String name, MessageQueue queue) {
        QueryConsumerOffsetRequestHeader header = new QueryConsumerOffsetRequestHeader();
        header.setConsumerGroup(s.name(name) + "@broadcast");
        header.setTopic(queue.getTopic());
        header.setQueueId(queue.getQueueId());
        header.setSetZeroIfNotFound(false);
        try {
            RemotingCommand answer = request(s, RequestCode.QUERY_CONSUMER_OFFSET, header);
            Map<String, String> fields = answer.getExtFields();
            return answer.getCode() + " " + (fields == null ? null : fields.get("offset"));
        } catch (Exception failed) {
            return failed.toString();
        }
    }

    /** Messages of a retry topic by an expression: that of the request, or that of the group for the topic of origin. */
    private static Object filtered(Session s, boolean value) throws Exception {
        String name = "filtered-" + value;
        String topic = s.topic(name, 1).get(0).getTopic();
        String group = s.name(name);
        DefaultMQPushConsumer consumer = s.pushConsumer(group);
        consumer.subscribe(topic, MessageSelector.bySql("a > 5"));
        consumer.registerMessageListener(Session.taking(new Tally()));
        consumer.start();
        MessageQueue retry = new MessageQueue("%RETRY%" + group, Session.BROKER, 0);
        DefaultMQProducer producer = s.producer(name);
        for (String a : new String[] {"3", "10", "30"}) {
            Message message = new Message(retry.getTopic(), ("a=" + a).getBytes());
            message.putUserProperty("a", a);
            MessageAccessor.putProperty(message, "RETRY_TOPIC", topic);
            producer.send(message, retry);
        }
        DefaultMQPullConsumer reader = s.pullConsumer(s.name(name + "-reader"));
        Session.await("stored", LIMIT_MS, () -> Session.failure(() -> reader.maxOffset(retry)).equals("no failure: 3"));
        PullMessageRequestHeader header = new PullMessageRequestHeader();
        header.setConsumerGroup(s.name(name + "-reader"));
        header.setTopic(retry.getTopic());
        header.setQueueId(0);
        header.setQueueOffset(0L);
        header.setMaxMsgNums(32);
        header.setSysFlag(SUBSCRIBED);
        header.setCommitOffset(0L);
        header.setSuspendTimeoutMillis(0L);
        header.setSubscription("a < 20");
        header.setSubVersion(0L);
        header.setExpressionType("SQL92");
        RemotingCommand answer = request(s, RequestCode.PULL_MESSAGE, header);
        return facts("code", answer.getCode(), "bodies", answer.getBody() == null ? null
            : MessageDecoder.decodes(ByteBuffer.wrap(answer.getBody())).stream().map(one -> new String(one.getBody()))
                .toList());
    }

    private static RemotingCommand request(Session s, int code, CommandCustomHeader header) throws Exception {
        return s.admin().getDefaultMQAdminExtImpl().getMqClientInstance().getMQClientAPIImpl().getRemotingClient()
            .invokeSync(s.brokerAddress(), RemotingCommand.createRequestCommand(code, header), 10_000);
    }

    /** Whether a group of the broker comes into being, and one of a client. */
    private static Object system(Session s, boolean value) throws Exception {
        MessageQueue queue = s.topic("system-" + value, 1).get(0);
        s.send(s.producer("system-" + value), queue, "one");
        Map<String, Object> shown = new LinkedHashMap<>();
        for (String group : new String[] {"CID_RMQ_SYS_conformance_" + value, s.name("own-" + value)}) {
            RemotingCommand answer = Switches.pull(s, RequestCode.PULL_MESSAGE, group, queue, SUBSCRIBED, 0);
            shown.put(group, Switches.answer(answer));
        }
        return shown;
    }

    /** Which broker a pull is told to ask next: by the settings of its group, when it is near the end and when it is far. */
    private static Object suggested(Session s, boolean value) throws Exception {
        MessageQueue queue = s.topic("suggested-" + value, 1).get(0);
        s.send(s.producer("suggested-" + value), queue, Session.bodies("m", 3));
        SubscriptionGroupConfig config = Switches.group(s.name("suggested-" + value));
        config.setBrokerId(3);
        config.setWhichBrokerWhenConsumeSlowly(5);
        s.admin().createAndUpdateSubscriptionGroupConfig(s.brokerAddress(), config);
        Session.Action suggestion = () -> Switches.pull(s, RequestCode.PULL_MESSAGE, config.getGroupName(), queue,
            SUBSCRIBED, 0).getExtFields().get("suggestWhichBrokerId");
        return facts("near", suggestion.run(), "far",
            Switches.with(s, "accessMessageInMemoryMaxRatio", 0, 40, suggestion));
    }
}

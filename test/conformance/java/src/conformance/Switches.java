package conformance;

import static conformance.Session.LIMIT_MS;
import static conformance.Session.facts;
import static conformance.Session.failure;

import com.alibaba.fastjson2.JSON;
import com.alibaba.fastjson2.JSONObject;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.header.PullMessageRequestHeader;
import org.apache.rocketmq.remoting.protocol.heartbeat.MessageModel;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** What groups, topics and the broker can be forbidden; and limits on cold reads. */
final class Switches {
    /** The request brings its subscription along. */
    private static final int SUBSCRIBED = 4;
    private static final int SUSPEND = 2;

    private Switches() {}

    static List<Conformance.Row> rows() {
        return Conformance.list(
            "group-switches", Conformance.of(Switches::groups),
            "topic-perms", Conformance.of(Switches::topics),
            "broker-switches-alone", Conformance.of(Switches::broker),
            "flow-control-alone", Conformance.of(Switches::flow),
            "cold-read-alone", Conformance.of(Switches::cold));
    }

    /** A pull as it is on the wire; a subscription version makes it one of a newer subscription. */
    static RemotingCommand pull(Session s, int code, String group, MessageQueue queue, int flag, long version)
        throws Exception {
        PullMessageRequestHeader header = new PullMessageRequestHeader();
        header.setConsumerGroup(group);
        header.setTopic(queue.getTopic());
        header.setQueueId(queue.getQueueId());
        header.setQueueOffset(0L);
        header.setMaxMsgNums(32);
        header.setSysFlag(flag);
        header.setCommitOffset(0L);
        header.setSuspendTimeoutMillis(10_000L);
        header.setSubscription("*");
        header.setSubVersion(version);
        header.setExpressionType("TAG");
        return s.admin().getDefaultMQAdminExtImpl().getMqClientInstance().getMQClientAPIImpl().getRemotingClient()
            .invokeSync(s.brokerAddress(), RemotingCommand.createRequestCommand(code, header), 40_000);
    }

    static Object answer(RemotingCommand answer) {
        Map<String, String> fields = answer.getExtFields();
        return facts("code", answer.getCode(), "remark",
            answer.getRemark() == null ? null : Session.normal(answer.getRemark()),
            "forbiddenType", fields == null ? null : fields.get("forbiddenType"));
    }

    private static Object pulled(Session s, String group, MessageQueue queue, int flag) throws Exception {
        return answer(pull(s, RequestCode.PULL_MESSAGE, group, queue, flag, 0));
    }

    static SubscriptionGroupConfig group(String name) {
        SubscriptionGroupConfig config = new SubscriptionGroupConfig();
        config.setGroupName(name);
        return config;
    }

    private static Map<String, Object> groups(Session s) throws Exception {
        MessageQueue queue = s.topic("topic", 1).get(0);
        MessageQueue other = s.topic("other", 1).get(0);
        s.send(s.producer(), queue, "one");
        DefaultMQAdminExt admin = s.admin();
        String address = s.brokerAddress();
        Map<String, Object> shown = new LinkedHashMap<>();
        String absent = s.name("absent");
        shown.put("group that is not there", pulled(s, absent, queue, 0));
        shown.put("the same, with its subscription", pulled(s, absent, queue, SUBSCRIBED));
        Tally tally = new Tally();
        String name = s.name("group");
        s.consume(name, queue.getTopic(), "*", tally);
        tally.await(1, LIMIT_MS);
        shown.put("member", pulled(s, name, queue, 0));
        shown.put("topic that it does not subscribe", pulled(s, name, other, 0));
        shown.put("newer subscription",
            answer(pull(s, RequestCode.PULL_MESSAGE, name, queue, 0, Long.MAX_VALUE)));
        shown.put("forbidden", facts("set",
            admin.updateAndGetGroupReadForbidden(address, name, queue.getTopic(), false).getReadable(),
            "member", pulled(s, name, queue, 0), "with its subscription", pulled(s, name, queue, SUBSCRIBED),
            "lifted", admin.updateAndGetGroupReadForbidden(address, name, queue.getTopic(), true).getReadable(),
            "after", pulled(s, name, queue, 0)));
        SubscriptionGroupConfig config = group(name);
        config.setConsumeEnable(false);
        admin.createAndUpdateSubscriptionGroupConfig(address, config);
        shown.put("consumeEnable=false", facts("member", pulled(s, name, queue, 0),
            "with its subscription", pulled(s, name, queue, SUBSCRIBED)));
        String broadcasting = s.name("broadcasting");
        DefaultMQPushConsumer everyone = s.pushConsumer(broadcasting);
        everyone.setMessageModel(MessageModel.BROADCASTING);
        everyone.subscribe(queue.getTopic(), "*");
        Tally all = new Tally();
        everyone.registerMessageListener(Session.taking(all));
        everyone.start();
        all.await(1, LIMIT_MS);
        config = group(broadcasting);
        config.setConsumeBroadcastEnable(false);
        admin.createAndUpdateSubscriptionGroupConfig(address, config);
        shown.put("consumeBroadcastEnable=false", pulled(s, broadcasting, queue, 0));
        return shown;
    }

    private static Map<String, Object> topics(Session s) throws Exception {
        MessageQueue queue = s.topic("topic", 1).get(0);
        DefaultMQProducer producer = s.producer();
        s.send(producer, queue, "one");
        DefaultMQPullConsumer consumer = s.pullConsumer(s.name("group"));
        Map<String, Object> shown = new LinkedHashMap<>();
        for (int perm : new int[] {6, 4, 2, 0}) {
            s.change(new TopicConfig(queue.getTopic(), 1, 1, perm));
            shown.put("perm " + perm, facts("pull", pulled(s, s.name("group"), queue, SUBSCRIBED),
                "pull consumer", failure(() -> consumer.pull(queue, "*", 0, 1).getPullStatus()),
                "send to the queue", failure(() -> producer.send(new Message(queue.getTopic(), "more".getBytes()), queue)
                    .getSendStatus()),
                "send", failure(() -> s.producer("fresh-" + perm).send(new Message(queue.getTopic(), "more".getBytes()))
                    .getSendStatus())));
        }
        s.change(new TopicConfig(queue.getTopic(), 1, 1, 6));
        shown.put("queue that is not there",
            pulled(s, s.name("group"), new MessageQueue(queue.getTopic(), Session.BROKER, 7), SUBSCRIBED));
        shown.put("topic that is not there",
            pulled(s, s.name("group"), new MessageQueue(s.name("absent"), Session.BROKER, 0), SUBSCRIBED));
        return shown;
    }

    /** Sets a key of the broker while something is done. */
    static Object with(Session s, String key, Object value, Object before, Session.Action action)
        throws Exception {
        s.admin().updateBrokerConfig(s.brokerAddress(), properties(key, value));
        try {
            return action.run();
        } finally {
            s.admin().updateBrokerConfig(s.brokerAddress(), properties(key, before));
        }
    }

    private static Properties properties(String key, Object value) {
        Properties properties = new Properties();
        properties.setProperty(key, String.valueOf(value));
        return properties;
    }

    private static Map<String, Object> broker(Session s) throws Exception {
        MessageQueue queue = s.topic("topic", 1).get(0);
        MessageQueue empty = s.topic("empty", 1).get(0);
        DefaultMQProducer producer = s.producer();
        s.send(producer, queue, "one");
        String group = s.name("group");
        pulled(s, group, queue, SUBSCRIBED);
        Session.Action pull = () -> pulled(s, group, queue, SUBSCRIBED);
        Session.Action send = () -> failure(() ->
            producer.send(new Message(queue.getTopic(), "more".getBytes()), queue).getSendStatus());
        Map<String, Object> shown = new LinkedHashMap<>();
        shown.put("brokerPermission=4", with(s, "brokerPermission", 4, 6, () -> facts("pull", pull.run(), "send",
            send.run())));
        shown.put("brokerPermission=2", with(s, "brokerPermission", 2, 6, () -> facts("pull", pull.run(), "send",
            send.run())));
        TopicConfig ordered = new TopicConfig(queue.getTopic(), 1, 1, 6);
        ordered.setOrder(true);
        s.admin().createAndUpdateTopicConfig(s.brokerAddress(), ordered);
        shown.put("order topic, brokerPermission=4", with(s, "brokerPermission", 4, 6, send));
        shown.put("litePullMessageEnable=false", with(s, "litePullMessageEnable", false, true, () ->
            answer(pull(s, RequestCode.LITE_PULL_MESSAGE, group, queue, SUBSCRIBED, 0))));
        shown.put("litePullMessageEnable=true",
            answer(pull(s, RequestCode.LITE_PULL_MESSAGE, group, queue, SUBSCRIBED, 0)));
        shown.put("autoCreateSubscriptionGroup=false", with(s, "autoCreateSubscriptionGroup", false, true, () ->
            facts("known", pull.run(), "new", pulled(s, s.name("new"), queue, SUBSCRIBED), "consumer",
                failure(() -> s.pullConsumer(s.name("newer")).pull(queue, "*", 0, 1).getPullStatus()))));
        shown.put("rejectTransactionMessage=true", with(s, "rejectTransactionMessage", true, false, () ->
            failure(() -> half(s, queue.getTopic()))));
        long later = System.currentTimeMillis() + 600_000;
        Object refused = with(s, "startAcceptSendRequestTimeStamp", later, 0, send);
        shown.put("startAcceptSendRequestTimeStamp", refused.toString().replaceAll("until .*", "until TIME"));
        shown.put("longPollingEnable=false", with(s, "longPollingEnable", false, true, () -> {
            long began = System.nanoTime();
            Object answer = pulled(s, group, empty, SUBSCRIBED | SUSPEND);
            long tookMs = (System.nanoTime() - began) / 1_000_000;
            return facts("answer", answer, "soon", tookMs >= 900 && tookMs < 9_000);
        }));
        shown.put("rejectPullConsumerEnable=true", with(s, "rejectPullConsumerEnable", true, false, () ->
            facts("member of no group", pull.run(), "consumer", failure(() ->
                s.pullConsumer(s.name("rejected")).pull(queue, "*", 0, 1).getPullStatus()))));
        shown.put("enableCalcFilterBitMap=true", with(s, "enableCalcFilterBitMap", true, false, pull));
        shown.put("traceOn=false", with(s, "traceOn", false, true, () ->
            producer.send(new Message(queue.getTopic(), "untraced".getBytes()), queue).isTraceOn()));
        return shown;
    }

    private static Object half(Session s, String topic) throws Exception {
        TransactionMQProducer producer = new TransactionMQProducer(s.name("transactions"));
        s.prepare(producer);
        producer.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
                return LocalTransactionState.COMMIT_MESSAGE;
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                return LocalTransactionState.COMMIT_MESSAGE;
            }
        });
        producer.start();
        return producer.sendMessageInTransaction(new Message(topic, "half".getBytes()), null).getSendStatus();
    }

    /** More sends at once than may wait: how they end, with and without fast failure. Under SYNC_FLUSH. */
    private static Map<String, Object> flow(Session s) throws Exception {
        MessageQueue queue = s.topic("topic", 1).get(0);
        DefaultMQProducer producer = s.producer();
        s.send(producer, queue, "one");
        Map<String, Object> shown = new LinkedHashMap<>();
        // With Apache sends wait for a thread, with Skylark for those before them that wait for the disk.
        with(s, "putThreadPoolQueueCapacity", 1, 10_000, () -> with(s, "waitTimeMillsInSendQueue", 0, 200, () -> {
            shown.put("fast failure", ends(producer, queue, 3_000));
            return with(s, "brokerFastFailureEnable", false, true, () ->
                shown.put("without fast failure", ends(producer, queue, 300)));
        }));
        shown.put("afterwards", producer.send(new Message(queue.getTopic(), "last".getBytes()), queue).getSendStatus());
        return shown;
    }

    /** The different ends of so many asynchronous sends; a refusal up to where each is its own. */
    private static Object ends(DefaultMQProducer producer, MessageQueue queue, int count) throws Exception {
        Set<String> ends = ConcurrentHashMap.newKeySet();
        CountDownLatch left = new CountDownLatch(count);
        for (int i = 0; i < count; i++) {
            producer.send(new Message(queue.getTopic(), new byte[1024]), queue, new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    ends.add(result.getSendStatus().name());
                    left.countDown();
                }

                @Override
                public void onException(Throwable thrown) {
                    ends.add(thrown instanceof MQBrokerException refused
                        ? refused.getResponseCode() + " "
                            + Session.normal(refused.getErrorMessage()).replaceAll("size of queue: \\d+.*", "size of queue: N")
                        : thrown.getClass().getSimpleName());
                    left.countDown();
                }
            });
        }
        left.await(LIMIT_MS, TimeUnit.MILLISECONDS);
        return facts("without an end", left.getCount(), "ends", new TreeSet<>(ends));
    }

    /** With all messages cold: a group beyond its limit is told to come again, or gets one message after a while. */
    private static Map<String, Object> cold(Session s) throws Exception {
        MessageQueue queue = s.topic("topic", 1).get(0);
        DefaultMQProducer producer = s.producer();
        s.send(producer, queue, Session.bodies("cold", 6));
        DefaultMQAdminExt admin = s.admin();
        String address = s.brokerAddress();
        String pushing = s.name("pushing");
        DefaultMQPullConsumer consumer = s.pullConsumer(s.name("pulling"));
        consumer.setConsumerPullTimeoutMillis(40_000);
        Map<String, Object> shown = new LinkedHashMap<>();
        shown.put("warm", consumer.pull(queue, "*", 0, 32, 40_000).getMsgFoundList().size());
        Tally tally = new Tally();
        s.consume(pushing, queue.getTopic(), "*", tally);
        tally.await(6, LIMIT_MS);
        // Apache fails on a cold pull of a group of which it has heard no heartbeat.
        Session.awaitMembers(admin, s.name("pulling"), 1);
        Properties limits = properties(pushing, 1);
        limits.setProperty(s.name("pulling"), "1");
        limits.setProperty(s.name("bad"), "many");
        admin.updateColdDataFlowCtrGroupConfig(address, limits);
        with(s, "accessMessageInMemoryHotRatio", 0, 26, () -> {
            shown.put("first pull", pulled(s, pushing, queue, 0));
            // Counts begin anew every five seconds.
            for (int i = 0; i < 50 && !"2".equals(String.valueOf(shown.get("push code"))); i++) {
                RemotingCommand answer = pull(s, RequestCode.PULL_MESSAGE, pushing, queue, 0, 0);
                shown.put("push code", answer.getCode());
                shown.put("push remark", answer.getRemark());
            }
            shown.put("pull consumer, first", consumer.pull(queue, "*", 0, 32, 40_000).getMsgFoundList().size());
            long began = System.nanoTime();
            int count = consumer.pull(queue, "*", 0, 32, 40_000).getMsgFoundList().size();
            shown.put("pull consumer, held", System.nanoTime() - began > 2_500_000_000L);
            shown.put("pull consumer, then", count == 1 || count == 6);
            JSONObject info = JSON.parseObject(admin.getColdDataFlowCtrInfo(address));
            shown.put("info", new TreeSet<>(info.keySet()));
            shown.put("limits", limits(s, info));
            JSONObject read = info.getJSONObject("runtimeTable").getJSONObject(pushing);
            shown.put("of the group", new TreeSet<>(read.keySet()));
            return null;
        });
        admin.removeColdDataFlowCtrGroupConfig(address, pushing);
        shown.put("removed", limits(s, JSON.parseObject(admin.getColdDataFlowCtrInfo(address))));
        shown.put("after", pulled(s, pushing, queue, 0));
        for (String mode : List.of("0", "1", "7")) {
            shown.put("read ahead " + mode, failure(() -> admin.setCommitLogReadAheadMode(address, mode)));
        }
        return shown;
    }

    private static Object limits(Session s, JSONObject info) {
        JSONObject table = info.getJSONObject("configTable");
        return facts("pushing", table.get(s.name("pushing")), "pulling", table.get(s.name("pulling")), "bad",
            table.get(s.name("bad")));
    }
}

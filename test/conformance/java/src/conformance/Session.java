package conformance;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.route.BrokerData;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** One behaviour's view of the cluster: its names, its clients, and what must be shut down after it. */
final class Session implements AutoCloseable {
    /** The broker under test; others in the cluster are there to fail. */
    static final String BROKER = "broker-a";
    static final long LIMIT_MS = 60_000;
    private static final AtomicInteger INSTANCES = new AtomicInteger();

    final String nameServer;
    final String prefix;
    private final String behaviour;
    private final List<Runnable> closers = new ArrayList<>();
    private DefaultMQAdminExt admin;

    Session(String nameServer, String prefix, String behaviour) {
        this.nameServer = nameServer;
        this.prefix = prefix;
        this.behaviour = behaviour;
    }

    @Override
    public void close() {
        for (int i = closers.size() - 1; i >= 0; i--) {
            closers.get(i).run();
        }
    }

    void later(Runnable closer) {
        closers.add(closer);
    }

    /** A topic or group name that no other behaviour uses. */
    String name(String what) {
        return prefix + "-" + behaviour + "-" + what;
    }

    /** Name of a client of its own, among those of the other programs too. */
    String instance() {
        return prefix + "-" + behaviour + "-" + INSTANCES.incrementAndGet();
    }

    DefaultMQProducer producer() throws MQClientException {
        return producer("producer");
    }

    DefaultMQProducer producer(String group) throws MQClientException {
        DefaultMQProducer producer = new DefaultMQProducer(name(group));
        prepare(producer);
        producer.start();
        return producer;
    }

    /** Sets what every producer has; it is shut down with the session. */
    void prepare(DefaultMQProducer producer) {
        producer.setNamesrvAddr(nameServer);
        producer.setInstanceName(instance());
        producer.setSendMsgTimeout(10_000);
        later(producer::shutdown);
    }

    DefaultMQPushConsumer pushConsumer(String group) {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
        consumer.setNamesrvAddr(nameServer);
        consumer.setInstanceName(instance());
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setConsumeThreadMin(4);
        consumer.setConsumeThreadMax(4);
        later(consumer::shutdown);
        return consumer;
    }

    /** Starts a push consumer that puts each body into the tally. */
    DefaultMQPushConsumer consume(String group, String topic, String tags, Tally tally) throws MQClientException {
        DefaultMQPushConsumer consumer = pushConsumer(group);
        consumer.subscribe(topic, tags);
        consumer.registerMessageListener(taking(tally));
        consumer.start();
        return consumer;
    }

    static MessageListenerConcurrently taking(Tally... tallies) {
        return (messages, context) -> {
            for (MessageExt message : messages) {
                for (Tally tally : tallies) {
                    tally.add(new String(message.getBody()));
                }
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        };
    }

    DefaultMQAdminExt admin() throws MQClientException {
        if (admin == null) {
            admin = new DefaultMQAdminExt(10_000);
            admin.setNamesrvAddr(nameServer);
            admin.setInstanceName(instance());
            admin.start();
            later(admin::shutdown);
        }
        return admin;
    }

    String brokerAddress() throws Exception {
        for (BrokerData data : admin().examineBrokerClusterInfo().getBrokerAddrTable().values()) {
            if (data.getBrokerName().equals(BROKER)) {
                return data.getBrokerAddrs().get(0L);
            }
        }
        throw new IllegalStateException("no " + BROKER + " in the cluster");
    }

    /** Creates a topic on the broker under test and returns its queues once the name server has them. */
    List<MessageQueue> topic(String what, int queues) throws Exception {
        return topicNamed(name(what), queues);
    }

    List<MessageQueue> topicNamed(String topic, int queues) throws Exception {
        change(new TopicConfig(topic, queues, queues, 6));
        List<MessageQueue> list = new ArrayList<>();
        for (int i = 0; i < queues; i++) {
            list.add(new MessageQueue(topic, BROKER, i));
        }
        return list;
    }

    /**
     * Creates or changes a topic and waits for its route. Two changes that cross on their way to the name server can
     * leave the route as it was until the next change, so the change is made again from time to time.
     */
    void change(TopicConfig config) throws Exception {
        long deadline = System.nanoTime() + LIMIT_MS * 1_000_000;
        for (;;) {
            admin().createAndUpdateTopicConfig(brokerAddress(), config);
            try {
                await("route of " + config.getTopicName(), 2_000, () -> isRouted(config));
                return;
            } catch (IllegalStateException notYet) {
                if (System.nanoTime() > deadline) {
                    throw notYet;
                }
            }
        }
    }

    private boolean isRouted(TopicConfig config) {
        try {
            return admin().examineTopicRouteInfo(config.getTopicName()).getQueueDatas().stream()
                .anyMatch(data -> data.getBrokerName().equals(BROKER)
                    && data.getReadQueueNums() == config.getReadQueueNums()
                    && data.getWriteQueueNums() == config.getWriteQueueNums() && data.getPerm() == config.getPerm());
        } catch (Exception notYet) {
            return false;
        }
    }

    /** Sends one message per body to the queue. */
    void send(DefaultMQProducer producer, MessageQueue queue, String... bodies) throws Exception {
        for (String body : bodies) {
            producer.send(new Message(queue.getTopic(), body.getBytes()), queue);
        }
    }

    /** stem-0, stem-1, … */
    static String[] bodies(String stem, int count) {
        String[] list = new String[count];
        for (int i = 0; i < count; i++) {
            list[i] = stem + "-" + i;
        }
        return list;
    }

    /** Everything that a queue holds. */
    List<MessageExt> readAll(List<MessageQueue> queues) throws Exception {
        // What was acknowledged a moment ago may not be in the consume queue yet.
        Thread.sleep(300);
        DefaultMQPullConsumer consumer = pullConsumer(name("reader"));
        List<MessageExt> all = new ArrayList<>();
        for (MessageQueue queue : queues) {
            long end = consumer.maxOffset(queue);
            long offset = consumer.minOffset(queue);
            while (offset < end) {
                PullResult result = consumer.pull(queue, "*", offset, 32);
                if (result.getPullStatus() == PullStatus.FOUND) {
                    all.addAll(result.getMsgFoundList());
                }
                if (result.getNextBeginOffset() <= offset) {
                    throw new IllegalStateException("pull at " + offset + " does not go on: " + result);
                }
                offset = result.getNextBeginOffset();
            }
        }
        return all;
    }

    DefaultMQPullConsumer pullConsumer(String group) throws MQClientException {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(group);
        consumer.setNamesrvAddr(nameServer);
        consumer.setInstanceName(instance());
        consumer.start();
        later(consumer::shutdown);
        return consumer;
    }

    static void await(String what, long withinMs, BooleanSupplier check) throws InterruptedException {
        long deadline = System.nanoTime() + withinMs * 1_000_000;
        while (!check.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException(what + ": not within " + withinMs + " ms");
            }
            Thread.sleep(50);
        }
    }

    /** Waits until a broker knows so many members of a group: their heartbeats come late when they knew no route at first. */
    static void awaitMembers(DefaultMQAdminExt admin, String group, int count) throws InterruptedException {
        await(count + " members of " + group, LIMIT_MS, () -> {
            try {
                return admin.examineConsumerConnectionInfo(group).getConnectionSet().size() == count;
            } catch (Exception notYet) {
                return false;
            }
        });
    }

    static Map<String, Object> facts(Object... pairs) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            map.put((String) pairs[i], pairs[i + 1]);
        }
        return map;
    }

    /** Something that may fail, for {@link #failure}. */
    interface Action {
        Object run() throws Exception;
    }

    /** Class, code and text of what the action throws; what it returns when it does not. */
    static Object failure(Action action) {
        try {
            return "no failure: " + action.run();
        } catch (MQBrokerException thrown) {
            return thrown.getClass().getSimpleName() + " " + thrown.getResponseCode() + " "
                + normal(thrown.getErrorMessage());
        } catch (MQClientException thrown) {
            return thrown.getClass().getSimpleName() + " " + thrown.getResponseCode() + " "
                + normal(thrown.getErrorMessage() == null ? thrown.getMessage() : thrown.getErrorMessage());
        } catch (Exception thrown) {
            return thrown.getClass().getSimpleName() + " " + normal(String.valueOf(thrown.getMessage()));
        }
    }

    private static final Pattern ADDRESS = Pattern.compile("/?\\d+\\.\\d+\\.\\d+\\.\\d+(:\\d+)?");
    private static final Pattern ID = Pattern.compile("\\b[0-9A-F]{32,}\\b");
    private static final Pattern ADVICE = Pattern.compile("\\s*See https?://\\S+ for further details\\.?");
    private static final Pattern MILLIS = Pattern.compile("\\d+\\]? ?ms\\b");

    /** Strips addresses, ids, times and links to Apache's pages from a text. */
    static String normal(String text) {
        String stripped = ADDRESS.matcher(text).replaceAll("ADDRESS");
        stripped = ADVICE.matcher(stripped).replaceAll("");
        stripped = ID.matcher(stripped).replaceAll("ID");
        return MILLIS.matcher(stripped).replaceAll("TIME").strip();
    }
}

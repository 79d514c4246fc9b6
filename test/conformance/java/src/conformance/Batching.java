package conformance;

import static conformance.Session.LIMIT_MS;
import static conformance.Session.facts;
import static conformance.Session.failure;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.remoting.protocol.admin.TopicOffset;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageAccessor;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.body.QueryConsumeQueueResponseBody;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** Topics whose batches are stored as one record each: queue.type=BatchCQ. */
final class Batching {
    private Batching() {}

    static List<Conformance.Row> rows() {
        return Conformance.list(
            "batch-as-one", Conformance.of(Batching::pulled),
            "batch-as-one-push", Conformance.of(Batching::pushed),
            "batch-as-one-times", Conformance.of(Batching::times),
            "topic-attributes", Conformance.of(Batching::attributes));
    }

    private static TopicConfig config(String topic, int queues, String key, String value) {
        TopicConfig config = new TopicConfig(topic, queues, queues, 6);
        config.getAttributes().put(key, value);
        return config;
    }

    private static MessageQueue topic(Session s, int queues) throws Exception {
        String topic = s.name("topic");
        s.admin().createAndUpdateTopicConfig(s.brokerAddress(), config(topic, queues, "+queue.type", "BatchCQ"));
        return s.topicNamed(topic, queues).get(0);
    }

    private static List<Message> batch(String topic, String stem, int count) {
        List<Message> batch = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            batch.add(new Message(topic, i % 2 == 0 ? "even" : "odd", stem + "-key-" + i, (stem + i).getBytes()));
        }
        return batch;
    }

    private static Object result(SendResult result) {
        return facts("status", result.getSendStatus(), "offset", result.getQueueOffset(), "queue",
            result.getMessageQueue().getQueueId(), "ids", result.getMsgId().split(",").length, "offsetIds",
            result.getOffsetMsgId().split(",").length, "transaction", result.getTransactionId() == null ? 0
                : result.getTransactionId().split(",").length);
    }

    private static Object message(MessageExt message) {
        return new String(message.getBody()) + " at " + message.getQueueOffset() + " tags " + message.getTags() + " keys "
            + message.getKeys() + " flags " + (message.getSysFlag() & 192) + " number "
            + message.getProperty("INNER_NUM") + " base " + message.getProperty("INNER_BASE");
    }

    private static Object pull(DefaultMQPullConsumer consumer, MessageQueue queue, String tags, long offset, int count)
        throws Exception {
        PullResult result = consumer.pull(queue, tags, offset, count);
        return facts("status", result.getPullStatus(), "next", result.getNextBeginOffset(), "min", result.getMinOffset(),
            "max", result.getMaxOffset(), "messages", result.getMsgFoundList() == null ? null
                : result.getMsgFoundList().stream().map(Batching::message).toList());
    }

    private static Map<String, Object> pulled(Session s) throws Exception {
        MessageQueue queue = topic(s, 2);
        MessageQueue empty = new MessageQueue(queue.getTopic(), Session.BROKER, 1);
        DefaultMQProducer producer = s.producer();
        DefaultMQPullConsumer consumer = s.pullConsumer(s.name("group"));
        DefaultMQAdminExt admin = s.admin();
        Map<String, Object> shown = new LinkedHashMap<>();
        shown.put("empty queue", facts("max", consumer.maxOffset(empty), "pull", pull(consumer, empty, "*", 0, 32)));
        SendResult first = producer.send(batch(queue.getTopic(), "a", 4), queue);
        shown.put("batch", result(first));
        shown.put("message by itself", result(producer.send(new Message(queue.getTopic(), "even", "single", "s".getBytes()),
            queue)));
        shown.put("second batch", result(producer.send(batch(queue.getTopic(), "b", 3), queue)));
        shown.put("batch of one", result(producer.send(batch(queue.getTopic(), "c", 1), queue)));
        Session.await("stored", LIMIT_MS, () -> failure(() -> consumer.maxOffset(queue)).equals("no failure: 9"));
        shown.put("offsets", consumer.minOffset(queue) + " to " + consumer.maxOffset(queue));
        for (int offset = 0; offset <= 10; offset++) {
            shown.put("pull at " + offset, pull(consumer, queue, "*", offset, 32));
        }
        for (int count : new int[] {1, 4, 5, 6, 8}) {
            shown.put("pull of " + count, pull(consumer, queue, "*", 1, count));
        }
        // The record of a batch has no tag.
        shown.put("tag", pull(consumer, queue, "even", 0, 32));
        shown.put("by its id", failure(() -> new String(admin.viewMessage(queue.getTopic(), first.getOffsetMsgId())
            .getBody()).contains("a0")));
        shown.put("by the key of one", failure(() -> producer.queryMessage(queue.getTopic(), "a-key-1", 32, 0,
            Long.MAX_VALUE).getMessageList().size()));
        shown.put("by the key of the message by itself", failure(() -> producer.queryMessage(queue.getTopic(), "single", 32,
            0, Long.MAX_VALUE).getMessageList().size()));
        shown.put("by the key of the batch", failure(() -> producer.queryMessage(queue.getTopic(), first.getMsgId(), 32, 0,
            Long.MAX_VALUE).getMessageList().size()));
        TopicOffset stats = admin.examineTopicStats(queue.getTopic()).getOffsetTable().get(queue);
        shown.put("stats", stats.getMinOffset() + " to " + stats.getMaxOffset());
        for (int index : new int[] {0, 2, 5}) {
            QueryConsumeQueueResponseBody body = admin.queryConsumeQueue(s.brokerAddress(), queue.getTopic(), 0, index, 5,
                null);
            shown.put("entries from " + index, body.getMinQueueIndex() + " to " + body.getMaxQueueIndex() + ": "
                + body.getQueueData().size());
        }
        Message odd = new Message(queue.getTopic(), "odd".getBytes());
        MessageAccessor.putProperty(odd, "INNER_NUM", "3");
        shown.put("a number without a batch", failure(() -> producer.send(odd, queue).getSendStatus()));
        return shown;
    }

    /** Everything comes; what is refused comes again by itself; a group goes on in the middle of a batch. */
    private static Map<String, Object> pushed(Session s) throws Exception {
        MessageQueue queue = topic(s, 1);
        DefaultMQProducer producer = s.producer();
        producer.send(batch(queue.getTopic(), "a", 5), queue);
        producer.send(new Message(queue.getTopic(), "s".getBytes()), queue);
        producer.send(batch(queue.getTopic(), "b", 3), queue);
        Map<String, Object> shown = new LinkedHashMap<>();
        Tally all = new Tally();
        Tally again = new Tally();
        Set<String> refused = ConcurrentHashMap.newKeySet();
        DefaultMQPushConsumer consumer = s.pushConsumer(s.name("group"));
        consumer.subscribe(queue.getTopic(), "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            context.setDelayLevelWhenNextConsume(1);
            for (MessageExt message : messages) {
                String body = new String(message.getBody());
                if (body.equals("b1") && refused.add(body)) return ConsumeConcurrentlyStatus.RECONSUME_LATER;
                (message.getReconsumeTimes() > 0 || body.equals("b1") ? again : all).add(body);
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        all.await(8, LIMIT_MS);
        again.await(1, LIMIT_MS);
        shown.put("at once", new TreeSet<>(all.list()));
        shown.put("again", new TreeSet<>(again.list()));
        Session.await("committed", LIMIT_MS, () -> failure(() -> s.admin().examineConsumeStats(s.name("group"))
            .getOffsetTable().get(queue).getConsumerOffset()).equals("no failure: 9"));
        s.admin().createAndUpdateSubscriptionGroupConfig(s.brokerAddress(),
            new org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig() {{
                setGroupName(s.name("middle"));
            }});
        s.admin().updateConsumeOffset(s.brokerAddress(), s.name("middle"), queue, 7);
        Tally rest = new Tally();
        s.consume(s.name("middle"), queue.getTopic(), "*", rest);
        rest.await(2, LIMIT_MS);
        Thread.sleep(500);
        shown.put("from the middle", new TreeSet<>(rest.list()));
        return shown;
    }

    private static Map<String, Object> times(Session s) throws Exception {
        MessageQueue queue = topic(s, 1);
        DefaultMQProducer producer = s.producer();
        for (String stem : new String[] {"a", "b", "c", "d"}) {
            producer.send(batch(queue.getTopic(), stem, 3), queue);
            Thread.sleep(60);
        }
        DefaultMQAdminExt admin = s.admin();
        DefaultMQPullConsumer consumer = s.pullConsumer(s.name("group"));
        Session.await("stored", LIMIT_MS, () -> failure(() -> consumer.maxOffset(queue)).equals("no failure: 12"));
        List<MessageExt> stored = consumer.pull(queue, "*", 0, 32).getMsgFoundList();
        Map<String, Object> shown = new LinkedHashMap<>();
        shown.put("first", admin.earliestMsgStoreTime(queue) == stored.get(0).getStoreTimestamp());
        for (int i = 0; i < stored.size(); i += 3) {
            long at = stored.get(i).getStoreTimestamp();
            for (long by : new long[] {-1, 0, 1}) {
                shown.put(i + " " + by, admin.searchLowerBoundaryOffset(queue, at + by));
            }
            shown.put(i + " upper", admin.searchUpperBoundaryOffset(queue, at));
        }
        shown.put("long ago", admin.searchLowerBoundaryOffset(queue, 1));
        shown.put("later", admin.searchLowerBoundaryOffset(queue, System.currentTimeMillis() + 60_000));
        return shown;
    }

    /** What attributes a topic may be given, and when. */
    private static Map<String, Object> attributes(Session s) throws Exception {
        DefaultMQAdminExt admin = s.admin();
        String address = s.brokerAddress();
        String topic = s.name("topic");
        Map<String, Object> shown = new LinkedHashMap<>();
        String[][] changes = {{"-message.type", ""}, {"+queue.type", "RocksDBCQ"}, {"+colour", "red"},
            {"+queue.type", "BatchCQ"}, {"+queue.type", "BatchCQ"}, {"+queue.type", "SimpleCQ"}, {"-queue.type", ""},
            {"-message.type", ""}, {"+message.type", "FIFO"}, {"+message.type", "NORMAL"}, {"-message.type", ""},
            {"+cleanup.policy", "DELETE"}};
        for (int i = 0; i < changes.length; i++) {
            String[] change = changes[i];
            Object said = failure(() -> {
                admin.createAndUpdateTopicConfig(address, config(topic, 1, change[0], change[1]));
                return "";
            });
            // Sets are printed in no certain order.
            shown.put(i + " " + change[0] + "=" + change[1], said.toString().replaceAll("not in set: .*", "not in set"));
        }
        shown.put("then", admin.examineTopicConfig(address, topic).getAttributes().toString());
        return shown;
    }
}

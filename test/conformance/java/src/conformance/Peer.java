package conformance;

import com.alibaba.fastjson2.JSON;
import com.alibaba.fastjson2.JSONArray;
import com.alibaba.fastjson2.JSONObject;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.RequestCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.protocol.heartbeat.MessageModel;

/** Does with Apache's Java client what the lines of its standard input say; ../../../../sdk/peers.mjs tells which there are. */
public final class Peer {
    private static final Map<String, DefaultMQProducer> PRODUCERS = new ConcurrentHashMap<>();
    private static final Map<String, DefaultMQPushConsumer> MEMBERS = new ConcurrentHashMap<>();

    private Peer() {}

    public static void main(String[] args) throws Exception {
        ExecutorService pool = Executors.newCachedThreadPool();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            JSONObject command = JSON.parseObject(line);
            pool.submit(() -> {
                try {
                    run(command);
                } catch (Throwable thrown) {
                    tell(command, "failed", "error", thrown.toString());
                }
            });
        }
        System.exit(0);
    }

    private static void run(JSONObject command) throws Exception {
        switch (command.getString("do")) {
            case "consume" -> consume(command);
            case "stop" -> {
                MEMBERS.remove(command.getString("member")).shutdown();
                tell(command, "stopped");
            }
            case "produce" -> produce(command);
            case "request" -> request(command);
            case "transact" -> transact(command);
            default -> throw new IllegalArgumentException(command.toString());
        }
    }

    private static void tell(JSONObject command, String event, Object... pairs) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("id", command.get("id"));
        line.put("event", event);
        for (int i = 0; i < pairs.length; i += 2) {
            line.put((String) pairs[i], pairs[i + 1]);
        }
        synchronized (System.out) {
            System.out.println(JSON.toJSONString(line));
            System.out.flush();
        }
    }

    private static void consume(JSONObject command) throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(command.getString("group"));
        consumer.setNamesrvAddr(command.getString("nameServer"));
        consumer.setInstanceName("java" + command.get("id"));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        if (command.getString("clientId") != null) {
            String[] parts = command.getString("clientId").split("@");
            consumer.setClientIP(parts[0]);
            consumer.setInstanceName(parts[1]);
            consumer.setMessageModel(MessageModel.BROADCASTING);
        }
        consumer.subscribe(command.getString("topic"), "*");
        if (command.getBooleanValue("ordered")) {
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
                messages.forEach(message -> take(command, message));
                return ConsumeOrderlyStatus.SUCCESS;
            });
        } else {
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                messages.forEach(message -> take(command, message));
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
        }
        MEMBERS.put(command.getString("id"), consumer);
        consumer.start();
        tell(command, "ready");
    }

    private static void take(JSONObject command, MessageExt message) {
        long begin = System.currentTimeMillis();
        try {
            TimeUnit.MILLISECONDS.sleep(command.getLongValue("workMs"));
            if (command.getBooleanValue("replies") && message.getProperty("REPLY_TO_CLIENT") != null) {
                byte[] body = ("java: " + new String(message.getBody(), StandardCharsets.UTF_8)).getBytes(StandardCharsets.UTF_8);
                producer(command).send(MessageUtil.createReplyMessage(message, body), 5_000);
            }
        } catch (Exception thrown) {
            tell(command, "failed", "error", thrown.toString());
        }
        Map<String, String> properties = new TreeMap<>();
        message.getProperties().forEach((name, value) -> {
            if (name.startsWith("own")) {
                properties.put(name, value);
            }
        });
        String keys = message.getKeys();
        tell(command, "got", "queueId", message.getQueueId(), "begin", begin, "end", System.currentTimeMillis(),
            "body", Base64.getEncoder().encodeToString(message.getBody()), "tag", message.getTags(),
            "keys", keys == null ? "" : keys, "properties", properties);
    }

    private static DefaultMQProducer producer(JSONObject command) {
        return PRODUCERS.computeIfAbsent(command.getString("nameServer"), nameServer -> {
            DefaultMQProducer producer = new DefaultMQProducer("java-peer");
            producer.setNamesrvAddr(nameServer);
            producer.setInstanceName("java-producer" + PRODUCERS.size());
            producer.setSendMsgTimeout(10_000);
            try {
                producer.start();
            } catch (Exception thrown) {
                throw new IllegalStateException(thrown);
            }
            return producer;
        });
    }

    private static Message message(String topic, JSONObject described) {
        Message message = new Message(topic, Base64.getDecoder().decode(described.getString("body")));
        message.setTags(described.getString("tag"));
        if (described.getString("keys") != null) {
            message.setKeys(described.getString("keys"));
        }
        JSONObject properties = described.getJSONObject("properties");
        if (properties != null) {
            properties.forEach((name, value) -> message.putUserProperty(name, (String) value));
        }
        return message;
    }

    private static void produce(JSONObject command) throws Exception {
        List<String> statuses = new ArrayList<>();
        JSONArray messages = command.getJSONArray("messages");
        for (int i = 0; i < messages.size(); i++) {
            SendResult sent = producer(command).send(message(command.getString("topic"), messages.getJSONObject(i)));
            statuses.add(sent.getSendStatus().name());
        }
        tell(command, "sent", "statuses", statuses);
    }

    private static void request(JSONObject command) throws Exception {
        Message answer = null;
        // The broker may not know this client yet; it does by its next heartbeat.
        for (int left = 8; answer == null; left--) {
            try {
                answer = ask(command).get(3, TimeUnit.SECONDS);
            } catch (Exception thrown) {
                if (left == 0) {
                    throw thrown;
                }
            }
        }
        byte[] body = answer.getBody();
        tell(command, "replied", "body", Base64.getEncoder().encodeToString(body));
    }

    private static CompletableFuture<Message> ask(JSONObject command) throws Exception {
        CompletableFuture<Message> answer = new CompletableFuture<>();
        Message question = new Message(command.getString("topic"), Base64.getDecoder().decode(command.getString("body")));
        producer(command).request(question, new RequestCallback() {
            @Override
            public void onSuccess(Message message) {
                // This version of the client tells the end of the send here too.
                if (message != null) {
                    answer.complete(message);
                }
            }

            @Override
            public void onException(Throwable thrown) {
                answer.completeExceptionally(thrown);
            }
        }, 2_500);
        return answer;
    }

    /** With a body, a half message is left open; whoever asks about one is told what `answer` says. */
    private static void transact(JSONObject command) throws Exception {
        TransactionMQProducer producer = new TransactionMQProducer(command.getString("group"));
        producer.setNamesrvAddr(command.getString("nameServer"));
        producer.setInstanceName("transact" + command.get("id"));
        producer.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object given) {
                return LocalTransactionState.UNKNOW;
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                tell(command, "checked", "body", Base64.getEncoder().encodeToString(message.getBody()));
                return switch (command.getString("answer")) {
                    case "commit" -> LocalTransactionState.COMMIT_MESSAGE;
                    case "rollback" -> LocalTransactionState.ROLLBACK_MESSAGE;
                    default -> LocalTransactionState.UNKNOW;
                };
            }
        });
        // Without them it is known to no broker before it sends.
        producer.setTopics(List.of(command.getString("topic")));
        producer.start();
        if (command.getString("body") != null) {
            producer.sendMessageInTransaction(message(command.getString("topic"), command), null);
        }
        tell(command, "ready");
    }
}

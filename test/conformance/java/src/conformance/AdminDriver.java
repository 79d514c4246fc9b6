package conformance;

import com.alibaba.fastjson2.JSON;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.remoting.protocol.body.ConsumerRunningInfo;
import org.apache.rocketmq.tools.command.MQAdminStartup;
import org.apache.rocketmq.tools.monitor.DeleteMsgsEvent;
import org.apache.rocketmq.tools.monitor.FailedMsgs;
import org.apache.rocketmq.tools.monitor.MonitorConfig;
import org.apache.rocketmq.tools.monitor.MonitorListener;
import org.apache.rocketmq.tools.monitor.MonitorService;
import org.apache.rocketmq.tools.monitor.UndoneMsgs;

/**
 * Runs mqadmin's commands one after the other in this one JVM. Each line of the input is a JSON array of a command's
 * arguments; each line of the output a JSON object with what the command printed. Words that begin with an exclamation
 * mark are the driver's own: {@code !consume} and {@code !produce} with name server, topic and group start a client,
 * {@code !trace} sends a message whose trace is kept, {@code !stop} ends a group's consumer, {@code !limit} with milliseconds interrupts a command that goes on for ever,
 * and {@code !monitor} with name server and group does one round of what startMonitoring does.
 */
public final class AdminDriver {
    private static final Map<String, DefaultMQPushConsumer> CONSUMERS = new HashMap<>();

    private AdminDriver() {}

    public static void main(String[] args) throws Exception {
        PrintStream out = System.out;
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] command = JSON.parseArray(line, String.class).toArray(new String[0]);
            ByteArrayOutputStream printed = new ByteArrayOutputStream();
            PrintStream stream = new PrintStream(printed, true, StandardCharsets.UTF_8);
            System.setOut(stream);
            System.setErr(stream);
            run(command);
            stream.flush();
            out.println(JSON.toJSONString(Map.of("output", printed.toString(StandardCharsets.UTF_8))));
            out.flush();
        }
        CONSUMERS.values().forEach(DefaultMQPushConsumer::shutdown);
        System.exit(0);
    }

    private static void run(String[] command) throws Exception {
        switch (command[0]) {
            case "!consume" -> CONSUMERS.put(command[3], consume(command[1], command[2], command[3]));
            case "!produce" -> produce(command[1], command[2], command[3]);
            case "!trace" -> trace(command[1], command[2]);
            case "!stop" -> CONSUMERS.remove(command[1]).shutdown();
            case "!limit" -> runAtMost(Long.parseLong(command[1]), Arrays.copyOfRange(command, 2, command.length));
            case "!monitor" -> monitor(command[1], command[2]);
            default -> Fresh.run(command);
        }
    }

    /** Some commands keep a client that is started once: each run gets commands of its own. */
    private static final class Fresh extends MQAdminStartup {
        static void run(String[] command) {
            SUB_COMMANDS.clear();
            main0(command, null);
        }
    }

    private static void runAtMost(long millis, String[] command) throws InterruptedException {
        Thread thread = new Thread(() -> Fresh.run(command));
        thread.start();
        thread.join(millis);
        thread.interrupt();
        thread.join();
    }

    private static void produce(String nameServer, String topic, String group) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer(group);
        producer.setNamesrvAddr(nameServer);
        producer.setInstanceName(group);
        producer.start();
        // Into the last queue, which nothing else looks at.
        producer.send(new Message(topic, "produced".getBytes(StandardCharsets.UTF_8)),
            (queues, message, last) -> queues.get(queues.size() - 1), null);
    }

    /** Traces are sent behind the messages, and the first one makes their topic: the last message comes after that. */
    private static void trace(String nameServer, String topic) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer("admin-tracer", true, null);
        producer.setNamesrvAddr(nameServer);
        producer.setInstanceName("admin-tracer");
        producer.start();
        for (int tries = 0; tries < 15 && !hasRoute(producer, "RMQ_SYS_TRACE_TOPIC"); tries++) {
            sendTraced(producer, topic);
        }
        System.out.println(sendTraced(producer, topic));
        producer.shutdown();
    }

    private static String sendTraced(DefaultMQProducer producer, String topic) throws Exception {
        Message message = new Message(topic, "traced".getBytes(StandardCharsets.UTF_8));
        String id = producer.send(message, (queues, one, last) -> queues.get(0), null).getMsgId();
        Thread.sleep(2_000);
        return id;
    }

    private static boolean hasRoute(DefaultMQProducer producer, String topic) {
        try {
            return !producer.fetchPublishMessageQueues(topic).isEmpty();
        } catch (MQClientException unknown) {
            return false;
        }
    }

    /** One round at once: the command's own begins only after twenty seconds, and writes to a log. */
    private static void monitor(String nameServer, String group) throws Exception {
        MonitorConfig config = new MonitorConfig();
        config.setNamesrvAddr(nameServer);
        MonitorService service = new MonitorService(config, new Printer(group), null);
        service.start();
        service.doMonitorWork();
        service.shutdown();
        monitored = group;
    }

    /** The group whose round is over: the service's own rounds go on. */
    private static volatile String monitored = "";

    private record Printer(String group) implements MonitorListener {
        private void print(Object text) {
            if (!monitored.equals(group)) System.out.println(text);
        }

        @Override
        public void beginRound() {
            print("begin");
        }

        @Override
        public void reportUndoneMsgs(UndoneMsgs undone) {
            if (undone.getConsumerGroup().equals(group)) print(undone);
        }

        @Override
        public void reportFailedMsgs(FailedMsgs failed) {
            if (failed.getConsumerGroup().equals(group)) print(failed);
        }

        @Override
        public void reportDeleteMsgsEvent(DeleteMsgsEvent event) {
            print(event);
        }

        @Override
        public void reportConsumerRunningInfo(TreeMap<String, ConsumerRunningInfo> clients) {
            ConsumerRunningInfo info = clients.firstEntry().getValue();
            if (!group.equals(info.getProperties().getProperty("consumerGroup"))) return;
            print("clients " + clients.size() + " same subscription "
                + ConsumerRunningInfo.analyzeSubscription(clients));
            clients.forEach((id, each) -> print(ConsumerRunningInfo.analyzeProcessQueue(id, each)));
        }

        @Override
        public void endRound() {
            print("end");
        }
    }

    private static DefaultMQPushConsumer consume(String nameServer, String topic, String group) throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
        consumer.setNamesrvAddr(nameServer);
        consumer.setInstanceName(group);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setPersistConsumerOffsetInterval(500);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener(
            (MessageListenerConcurrently) (messages, context) -> ConsumeConcurrentlyStatus.CONSUME_SUCCESS);
        consumer.start();
        return consumer;
    }
}

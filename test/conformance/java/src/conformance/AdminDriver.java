package conformance;

import com.alibaba.fastjson2.JSON;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/**
 * Runs mqadmin's commands one after the other in this one JVM. Each line of the input is a JSON array of a command's
 * arguments; each line of the output a JSON object with what the command printed. The command {@code !consume} with
 * name server, topic and group starts a consumer that lives as long as the program.
 */
public final class AdminDriver {
    private AdminDriver() {}

    public static void main(String[] args) throws Exception {
        PrintStream out = System.out;
        List<DefaultMQPushConsumer> consumers = new ArrayList<>();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] command = JSON.parseArray(line, String.class).toArray(new String[0]);
            ByteArrayOutputStream printed = new ByteArrayOutputStream();
            PrintStream stream = new PrintStream(printed, true, StandardCharsets.UTF_8);
            System.setOut(stream);
            System.setErr(stream);
            if (command[0].equals("!consume")) {
                consumers.add(consume(command[1], command[2], command[3]));
            } else {
                MQAdminStartup.main0(command, null);
            }
            stream.flush();
            out.println(JSON.toJSONString(Map.of("output", printed.toString(StandardCharsets.UTF_8))));
            out.flush();
        }
        consumers.forEach(DefaultMQPushConsumer::shutdown);
        System.exit(0);
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

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;

/**
 * Sends or consumes messages with Apache's Java client and prints what that cost this process, as one line of JSON. Takes
 * the same arguments as ../node.mjs.
 */
public final class Client {
    private static final Map<String, String> FLAGS =
        new HashMap<>(
            Map.of("mode", "send", "count", "100000", "warm", "20000", "size", "1024", "outstanding", "64", "batch", "1"));

    private Client() {}

    /** A stretch that is measured. */
    private record Stretch(long beganNanos, long cpuNanos) {
        static Stretch begin() {
            return new Stretch(System.nanoTime(), cpuNanosNow());
        }

        private static long cpuNanosNow() {
            return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
        }

        void print(int messages) {
            double cpuSeconds = (cpuNanosNow() - cpuNanos) / 1e9;
            double seconds = (System.nanoTime() - beganNanos) / 1e9;
            System.out.printf(Locale.ROOT, "{\"messages\":%d,\"cpuSeconds\":%f,\"seconds\":%f}%n", messages, cpuSeconds, seconds);
        }
    }

    private static int number(String name) {
        return Integer.parseInt(FLAGS.get(name));
    }

    public static void main(String[] args) throws Exception {
        for (int i = 0; i < args.length; i += 2) {
            FLAGS.put(args[i].substring(2), args[i + 1]);
        }
        if (FLAGS.get("mode").equals("send")) {
            send();
        } else {
            consume();
        }
        System.exit(0);
    }

    private static void send() throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer(FLAGS.get("group"));
        producer.setNamesrvAddr(FLAGS.get("nameserver"));
        producer.start();
        sendAll(producer, number("warm"));
        Stretch stretch = Stretch.begin();
        sendAll(producer, number("count"));
        stretch.print(number("count"));
    }

    private static void sendAll(DefaultMQProducer producer, int n) throws Exception {
        byte[] body = new byte[number("size")];
        Arrays.fill(body, (byte) 'x');
        AtomicInteger left = new AtomicInteger(n);
        int batch = number("batch");
        Thread[] threads = new Thread[number("outstanding")];
        for (int i = 0; i < threads.length; i++) {
            threads[i] = new Thread(() -> {
                while (left.addAndGet(-batch) >= 0) {
                    try {
                        List<Message> messages = new ArrayList<>(batch);
                        for (int m = 0; m < batch; m++) {
                            messages.add(new Message(FLAGS.get("topic"), "tag", body));
                        }
                        SendStatus status =
                            (batch == 1 ? producer.send(messages.get(0)) : producer.send(messages)).getSendStatus();
                        if (status != SendStatus.SEND_OK) {
                            throw new IllegalStateException(status.toString());
                        }
                    } catch (Exception thrown) {
                        thrown.printStackTrace();
                        System.exit(1);
                    }
                }
            });
            threads[i].start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private static void consume() throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(FLAGS.get("group"));
        consumer.setNamesrvAddr(FLAGS.get("nameserver"));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setConsumeThreadMin(number("outstanding"));
        consumer.setConsumeThreadMax(number("outstanding"));
        consumer.subscribe(FLAGS.get("topic"), "*");
        AtomicInteger seen = new AtomicInteger();
        AtomicReference<Stretch> stretch = new AtomicReference<>();
        CountDownLatch done = new CountDownLatch(1);
        int warm = number("warm");
        int all = warm + number("count");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            int now = seen.addAndGet(messages.size());
            if (now == warm) {
                stretch.set(Stretch.begin());
            }
            if (now == all) {
                done.countDown();
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        done.await();
        stretch.get().print(number("count"));
    }
}

package conformance;

import static conformance.Session.facts;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.TransactionSendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageAccessor;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.header.EndTransactionRequestHeader;

/** What may go wrong with transactions: producers that go, words that come twice or late, or never. */
final class Transactions {
    private static final int COMMIT = 8;
    private static final int ROLLBACK = 12;

    private Transactions() {}

    static List<Conformance.Row> rows() {
        return Conformance.list(
            "transaction-check-max", Conformance.of(Transactions::checkMax),
            "transaction-fail-over", Conformance.of(Transactions::failOver),
            "transaction-end", Conformance.of(Transactions::end));
    }

    /** A producer that never knows at once, and answers checks as `answer` says. */
    private static TransactionMQProducer producer(
        Session s, Function<MessageExt, LocalTransactionState> answer) throws Exception {
        TransactionMQProducer producer = new TransactionMQProducer(s.name("producer"));
        s.prepare(producer);
        producer.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
                return LocalTransactionState.UNKNOW;
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                return answer.apply(message);
            }
        });
        producer.start();
        return producer;
    }

    /** A message of which its producer never knows is asked about so many times, and then set aside. */
    private static Map<String, Object> checkMax(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 1);
        String body = s.name("never");
        List<Object> asked = new ArrayList<>();
        TransactionMQProducer producer = producer(s, message -> {
            synchronized (asked) {
                asked.add(message.getProperty(MessageConst.PROPERTY_TRANSACTION_CHECK_TIMES)
                    + " " + message.getTopic().equals(queues.get(0).getTopic()));
            }
            return LocalTransactionState.UNKNOW;
        });
        producer.sendMessageInTransaction(new Message(queues.get(0).getTopic(), "tag", body.getBytes()), null);
        List<Object> found = new ArrayList<>();
        MessageQueue given = new MessageQueue("TRANS_CHECK_MAX_TIME_TOPIC", Session.BROKER, 0);
        Session.await("given up", 200_000, () -> {
            synchronized (asked) {
                return asked.size() >= 15;
            }
        });
        // The next round sets it aside.
        Thread.sleep(8_000);
        for (MessageExt message : s.readAll(List.of(given))) {
            if (new String(message.getBody()).equals(body)) {
                found.add(facts("checks", message.getProperty(MessageConst.PROPERTY_TRANSACTION_CHECK_TIMES),
                    "tags", message.getTags(), "realTopic", message.getProperty(MessageConst.PROPERTY_REAL_TOPIC),
                    "group", message.getProperty(MessageConst.PROPERTY_PRODUCER_GROUP)));
            }
        }
        synchronized (asked) {
            return facts("asked", asked, "givenUp", found, "delivered", s.readAll(queues).size());
        }
    }

    /** The producer goes before anybody asks it: another one of its group is asked. */
    private static Map<String, Object> failOver(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 1);
        Map<String, Integer> first = new ConcurrentHashMap<>();
        Map<String, Integer> second = new ConcurrentHashMap<>();
        TransactionMQProducer gone = producer(s, message -> {
            first.merge(new String(message.getBody()), 1, Integer::sum);
            return LocalTransactionState.UNKNOW;
        });
        for (String body : List.of("commit", "rollback")) {
            gone.sendMessageInTransaction(new Message(queues.get(0).getTopic(), body.getBytes()), null);
        }
        gone.shutdown();
        TransactionMQProducer other = producer(s, message -> {
            second.merge(new String(message.getBody()), 1, Integer::sum);
            return new String(message.getBody()).equals("commit") ? LocalTransactionState.COMMIT_MESSAGE
                : LocalTransactionState.ROLLBACK_MESSAGE;
        });
        // A client sends heartbeats, every 30 s, to the brokers of topics that it has sent to.
        other.send(new Message(queues.get(0).getTopic(), "hello".getBytes()));
        Session.await("both asked", 2 * Session.LIMIT_MS, () -> second.size() == 2);
        Thread.sleep(1_000);
        return facts("askedOfTheFirst", first.size(), "askedOfTheSecond", second, "delivered", bodies(s, queues));
    }

    private static List<String> bodies(Session s, List<MessageQueue> queues) throws Exception {
        List<String> list = new ArrayList<>();
        for (MessageExt message : s.readAll(queues)) {
            list.add(new String(message.getBody()));
        }
        return list;
    }

    /** END_TRANSACTION in every right and wrong form, word by word. */
    private static Map<String, Object> end(Session s) throws Exception {
        List<MessageQueue> queues = s.topic("topic", 1);
        String topic = queues.get(0).getTopic();
        TransactionMQProducer producer = producer(s, message -> LocalTransactionState.UNKNOW);
        DefaultMQPullConsumer reader = s.pullConsumer(s.name("half-reader"));
        Map<String, Object> answers = new LinkedHashMap<>();
        EndTransactionRequestHeader header = sent(reader, producer, topic, "wrong", null);
        header.setProducerGroup("nobody");
        answers.put("wrong group", ask(s, producer, header, COMMIT));
        header = sent(reader, producer, topic, "wrong", null);
        header.setTranStateTableOffset(header.getTranStateTableOffset() + 1_000_000);
        answers.put("wrong queue offset", ask(s, producer, header, COMMIT));
        header = sent(reader, producer, topic, "wrong", null);
        header.setCommitLogOffset(1L << 40);
        answers.put("no half message", ask(s, producer, header, COMMIT));
        header = sent(reader, producer, topic, "committed", null);
        answers.put("commit", ask(s, producer, header, COMMIT));
        header = sent(reader, producer, topic, "rolled back", null);
        answers.put("rollback", ask(s, producer, header, ROLLBACK));
        header = sent(reader, producer, topic, "twice", null);
        answers.put("commit once", ask(s, producer, header, COMMIT));
        answers.put("commit twice", ask(s, producer, header, COMMIT));
        header = sent(reader, producer, topic, "immune", "1");
        answers.put("commit in time", ask(s, producer, header, COMMIT));
        EndTransactionRequestHeader late = sent(reader, producer, topic, "late", "1");
        Thread.sleep(8_000);
        answers.put("commit too late", ask(s, producer, late, COMMIT));
        List<String> bodies = bodies(s, queues);
        Map<String, Object> delivered = new LinkedHashMap<>();
        for (String body : List.of("wrong", "committed", "rolled back", "twice", "immune", "late")) {
            delivered.put(body, bodies.stream().filter(body::equals).count());
        }
        return facts("answers", answers, "delivered", delivered);
    }

    private static EndTransactionRequestHeader sent(DefaultMQPullConsumer reader,
        TransactionMQProducer producer, String topic, String body, String immunity) throws Exception {
        Message message = new Message(topic, body.getBytes());
        if (immunity != null) {
            MessageAccessor.putProperty(message, MessageConst.PROPERTY_CHECK_IMMUNITY_TIME_IN_SECONDS, immunity);
        }
        TransactionSendResult result = producer.sendMessageInTransaction(message, null);
        EndTransactionRequestHeader header = new EndTransactionRequestHeader();
        header.setTopic(topic);
        header.setProducerGroup(producer.getProducerGroup());
        header.setTranStateTableOffset(result.getQueueOffset());
        // The result does not say where the half message lies in the log.
        MessageQueue halves = new MessageQueue("RMQ_SYS_TRANS_HALF_TOPIC", Session.BROKER, 0);
        PullResult half = reader.pull(halves, "*", result.getQueueOffset(), 1);
        // It is in its queue a moment after the answer.
        for (int left = 100; half.getMsgFoundList() == null && left > 0; left--) {
            Thread.sleep(50);
            half = reader.pull(halves, "*", result.getQueueOffset(), 1);
        }
        header.setCommitLogOffset(half.getMsgFoundList().get(0).getCommitLogOffset());
        header.setMsgId(result.getMsgId());
        header.setTransactionId(result.getTransactionId());
        header.setFromTransactionCheck(false);
        return header;
    }

    private static String ask(Session s, TransactionMQProducer producer, EndTransactionRequestHeader header, int how)
        throws Exception {
        header.setCommitOrRollback(how);
        RemotingCommand request = RemotingCommand.createRequestCommand(RequestCode.END_TRANSACTION, header);
        RemotingCommand answer = producer.getDefaultMQProducerImpl().getMqClientFactory().getMQClientAPIImpl()
            .getRemotingClient().invokeSync(s.brokerAddress(), request, 5_000);
        return answer.getCode() + " " + (answer.getRemark() == null ? "" : answer.getRemark());
    }
}

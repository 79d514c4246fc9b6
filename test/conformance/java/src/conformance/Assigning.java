package conformance;

import static conformance.Session.LIMIT_MS;
import static conformance.Session.facts;
import static conformance.Session.failure;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.impl.MQClientAPIImpl;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.common.message.MessageQueueAssignment;
import org.apache.rocketmq.common.message.MessageRequestMode;
import org.apache.rocketmq.remoting.protocol.heartbeat.MessageModel;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** Queues that the broker shares out among the clients of a group. */
final class Assigning {
    private Assigning() {}

    static List<Conformance.Row> rows() {
        return Conformance.list(
            "assignment", Conformance.of(Assigning::assignment),
            "assignment-push", Conformance.of(Assigning::push));
    }

    private static DefaultMQPushConsumer member(Session s, String topic, Tally... tallies) throws Exception {
        DefaultMQPushConsumer consumer = s.pushConsumer(s.name("group"));
        consumer.setClientRebalance(false);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener(Session.taking(tallies));
        consumer.start();
        return consumer;
    }

    /** Consumers that leave the sharing out to the broker, a third of which joins and leaves. */
    private static Map<String, Object> push(Session s) throws Exception {
        String topic = s.topic("topic", 6).get(0).getTopic();
        DefaultMQProducer producer = s.producer();
        Tally all = new Tally();
        List<Tally> each = List.of(new Tally(), new Tally(), new Tally());
        List<DefaultMQPushConsumer> members = new ArrayList<>();
        int sent = 0;
        for (Tally own : each) {
            members.add(member(s, topic, all, own));
            for (long end = System.nanoTime() + LIMIT_MS * 1_000_000; own.distinct() == 0 && System.nanoTime() < end;) {
                producer.send(new Message(topic, ("m" + sent++).getBytes()));
                Thread.sleep(20);
            }
        }
        members.get(0).shutdown();
        for (int i = 0; i < 30; i++) {
            producer.send(new Message(topic, ("m" + sent++).getBytes()));
        }
        all.await(sent, LIMIT_MS);
        return facts("lost", sent - all.distinct(), "shares", each.stream().map(own -> own.distinct() > 0).toList());
    }

    private static Map<String, Object> assignment(Session s) throws Exception {
        String topic = s.topic("topic", 5).get(0).getTopic();
        String group = s.name("group");
        List<DefaultMQPushConsumer> members = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            members.add(member(s, topic, new Tally()));
        }
        List<String> ids = new ArrayList<>();
        for (DefaultMQPushConsumer member : members) {
            ids.add(member.getDefaultMQPushConsumerImpl().getmQClientFactory().getClientId());
        }
        ids.sort(null);
        DefaultMQAdminExt admin = s.admin();
        String address = s.brokerAddress();
        Session.awaitMembers(admin, group, 3);
        Map<String, Object> shown = new LinkedHashMap<>();
        for (String strategy : List.of("AVG", "AVG_BY_CIRCLE", "NO_SUCH")) {
            shown.put(strategy, shares(s, topic, ids, strategy, MessageModel.CLUSTERING));
        }
        shown.put("broadcasting", shares(s, topic, ids.subList(0, 1), "AVG", MessageModel.BROADCASTING));
        shown.put("stranger", shares(s, topic, List.of("stranger"), "AVG", MessageModel.CLUSTERING));
        shown.put("no name", shares(s, topic, List.of(""), "AVG", MessageModel.CLUSTERING));
        shown.put("unknown topic", shares(s, s.name("absent"), ids.subList(0, 1), "AVG", MessageModel.CLUSTERING));
        shown.put("retry topic", shares(s, "%RETRY%" + group, ids, "AVG", MessageModel.CLUSTERING));
        for (int popShare : new int[] {0, 1, 2}) {
            admin.setMessageRequestMode(address, topic, group, MessageRequestMode.POP, popShare, 5_000);
            shown.put("POP, shared with " + popShare, shares(s, topic, ids, "AVG", MessageModel.CLUSTERING));
        }
        admin.setMessageRequestMode(address, topic, group, MessageRequestMode.PULL, 0, 5_000);
        shown.put("PULL again", shares(s, topic, ids, "AVG", MessageModel.CLUSTERING));
        shown.put("mode of a topic that is not there", failure(() -> set(s, s.name("absent"), group)));
        shown.put("mode of a retry topic", failure(() -> set(s, "%RETRY%" + group, group)));
        shown.put("mode of a group that is not there", failure(() -> set(s, topic, s.name("absent"))));
        return shown;
    }

    private static Object set(Session s, String topic, String group) throws Exception {
        s.admin().setMessageRequestMode(s.brokerAddress(), topic, group, MessageRequestMode.PULL, 0, 5_000);
        return "set";
    }

    /** What each client is told. */
    private static Object shares(Session s, String topic, List<String> ids, String strategy, MessageModel model)
        throws Exception {
        MQClientAPIImpl api = s.admin().getDefaultMQAdminExtImpl().getMqClientInstance().getMQClientAPIImpl();
        List<Object> shares = new ArrayList<>();
        for (String id : ids) {
            shares.add(failure(() -> {
                java.util.Set<MessageQueueAssignment> share =
                    api.queryAssignment(s.brokerAddress(), topic, s.name("group"), id, strategy, model, 10_000);
                return share == null ? "nothing said" : share.stream().map(Assigning::text)
                    .collect(Collectors.toCollection(TreeSet::new));
            }));
        }
        return shares;
    }

    private static String text(MessageQueueAssignment assignment) {
        MessageQueue queue = assignment.getMessageQueue();
        return assignment.getMode() + " " + queue.getBrokerName() + " " + queue.getQueueId();
    }
}

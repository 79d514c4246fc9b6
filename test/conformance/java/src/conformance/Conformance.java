package conformance;

import com.alibaba.fastjson2.JSON;
import com.alibaba.fastjson2.JSONWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Shows what Apache's Java client sees of a cluster: one JSON line per behaviour, holding only facts that must be
 * the same whoever made the servers. Arguments: name server, prefix of names, then names of behaviours, which
 * may have stars and the phase in front as in {@code before-restart/send-*}, or a whole phase.
 */
public final class Conformance {

    /** One thing the client can do with a cluster. */
    interface Behaviour {
        Map<String, Object> show(Session session) throws Exception;
    }

    record Row(String name, String phase, Behaviour behaviour) {}

    private static final int TOGETHER = 10;

    private static Row before(String name, Behaviour behaviour) {
        return new Row(name, "before-restart", behaviour);
    }

    private static Row after(String name, Behaviour behaviour) {
        return new Row(name, "after-restart", behaviour);
    }

    /** Those that wait longest come first, so that the others run beside them. */
    private static List<Row> rows() {
        return Stream.of(Ordering.rows(), Batching.rows(), Transactions.rows(), Retries.rows(), Groups.rows(), Features.rows(),
            Conversations.rows(), Switches.rows(), Settings.rows(), Assigning.rows(), Pulling.rows(), Pushing.rows(), Filtering.rows(), Sending.rows(), Online.rows(),
            TimeTravel.rows(),
            Queries.rows(), Administration.rows()).flatMap(List::stream).toList();
    }

    /** Those that change what all others see; one after the other. */
    private static Row alone(String name, Behaviour behaviour) {
        return new Row(name, "alone", behaviour);
    }

    /** Rows, each of the phase that its name ends with, or of that before the restart, from pairs of name and behaviour. */
    static List<Row> list(Object... pairs) {
        List<Row> rows = new ArrayList<>();
        for (int i = 0; i < pairs.length; i += 2) {
            String name = (String) pairs[i];
            Behaviour behaviour = (Behaviour) pairs[i + 1];
            rows.add(name.endsWith("after-restart") ? after(name, behaviour)
                : name.endsWith("-alone") ? alone(name, behaviour) : before(name, behaviour));
        }
        return rows;
    }

    static Behaviour of(Behaviour behaviour) {
        return behaviour;
    }

    private static boolean chosen(Row row, List<String> patterns) {
        return patterns.stream().anyMatch(pattern -> pattern.equals(row.phase)
            || matches(pattern, row.name) || matches(pattern, row.phase + "/" + row.name));
    }

    private static boolean matches(String pattern, String text) {
        return text.matches(pattern.replace("*", ".*"));
    }

    private static String show(Row row, String nameServer, String prefix) {
        long began = System.nanoTime();
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("name", row.name);
        try (Session session = new Session(nameServer, prefix, row.name)) {
            Map<String, Object> result = row.behaviour.show(session);
            line.put("ok", true);
            line.put("result", result);
        } catch (Throwable thrown) {
            line.put("ok", false);
            line.put("error", thrown + " at " + Arrays.stream(thrown.getStackTrace())
                .filter(frame -> frame.getClassName().startsWith("conformance")).findFirst().orElse(null));
        }
        line.put("millis", (System.nanoTime() - began) / 1_000_000);
        return JSON.toJSONString(line, JSONWriter.Feature.WriteMapNullValue);
    }

    public static void main(String[] args) throws Exception {
        List<String> patterns = Arrays.asList(args).subList(2, args.length);
        List<Callable<Void>> tasks = new ArrayList<>();
        for (Row row : rows()) {
            if (chosen(row, patterns)) {
                tasks.add(() -> {
                    String line = show(row, args[0], args[1]);
                    synchronized (System.out) {
                        System.out.println(line);
                        System.out.flush();
                    }
                    return null;
                });
            }
        }
        boolean isAlone = patterns.stream().allMatch(pattern -> pattern.startsWith("alone"));
        ExecutorService pool = Executors.newFixedThreadPool(isAlone ? 1 : TOGETHER);
        pool.invokeAll(tasks);
        pool.shutdown();
        pool.awaitTermination(10, TimeUnit.SECONDS);
        // The client leaves threads behind that are no daemons.
        System.exit(0);
    }
}

package conformance;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Collects what consumers received. */
final class Tally {
    private final Map<String, Integer> counts = new TreeMap<>();
    private final List<String> order = new ArrayList<>();

    synchronized void add(String body) {
        counts.merge(body, 1, Integer::sum);
        order.add(body);
        notifyAll();
    }

    synchronized int distinct() {
        return counts.size();
    }

    synchronized List<String> list() {
        return new ArrayList<>(order);
    }

    synchronized Map<String, Integer> counts() {
        return new TreeMap<>(counts);
    }

    List<String> sorted() {
        List<String> copy = list();
        Collections.sort(copy);
        return copy;
    }

    /** Waits until so many different bodies have come, and a moment longer for what should not come. */
    void await(int wanted, long withinMs) throws InterruptedException {
        long deadline = System.nanoTime() + withinMs * 1_000_000;
        synchronized (this) {
            while (counts.size() < wanted) {
                long leftMs = (deadline - System.nanoTime()) / 1_000_000;
                if (leftMs <= 0) {
                    throw new IllegalStateException("only " + counts.size() + " of " + wanted + " messages came");
                }
                wait(leftMs);
            }
        }
        Thread.sleep(300);
    }
}

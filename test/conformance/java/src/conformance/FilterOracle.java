package conformance;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import org.apache.rocketmq.broker.filter.ConsumerFilterManager;
import org.apache.rocketmq.broker.filter.MessageEvaluationContext;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.filter.FilterFactory;
import org.apache.rocketmq.filter.expression.Expression;

/**
 * Apache's answers for pairs of a SQL92 expression and the properties of a message. A line of the input is the
 * expression and the encoded properties, both in Base64, with a blank between; the answer to it is one character:
 * T it matches, F it does not, X it does not compile. With the path of a consumerFilter.json it prints what
 * Apache's table holds once it has read that, as that table writes it.
 */
public final class FilterOracle {
    public static void main(String[] args) throws IOException {
        if (args.length > 0) {
            ConsumerFilterManager table = new ConsumerFilterManager();
            table.decode(Files.readString(Path.of(args[0])));
            System.out.println(table.encode());
            return;
        }
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        StringBuilder answers = new StringBuilder();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            int gap = line.indexOf(' ');
            answers.append(answer(text(line.substring(0, gap)), text(line.substring(gap + 1))));
        }
        new PrintStream(System.out, true).println(answers);
    }

    private static String text(String base64) {
        return new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
    }

    private static char answer(String sql, String properties) {
        Expression expression;
        try {
            expression = FilterFactory.INSTANCE.get("SQL92").compile(sql);
        } catch (Throwable e) {
            return 'X';
        }
        // As ExpressionMessageFilter: what is no boolean, and what fails, is no match.
        try {
            var context = new MessageEvaluationContext(MessageDecoder.string2messageProperties(properties));
            return Boolean.TRUE.equals(expression.evaluate(context)) ? 'T' : 'F';
        } catch (Throwable e) {
            return 'F';
        }
    }

    private FilterOracle() {
    }
}

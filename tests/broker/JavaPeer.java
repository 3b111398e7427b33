import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.Scanner;
import java.util.concurrent.Future;

import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

/**
 * Sends records with the Java producer of the release on the class path and prints where each went.
 * Arguments: TOPIC NAME=VALUE...  Input: one record a line, "KEY VALUE", each "-" for none or "x" and hexadecimal digits.
 * Output: one line a record, "PARTITION OFFSET".  Uses only what the clients of 0.8.2 have as well.
 */
public class JavaPeer {
    public static void main(String[] args) throws Exception {
        Properties properties = new Properties();
        properties.put("key.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer");
        properties.put("value.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer");
        for (int i = 1; i < args.length; i++) {
            String[] pair = args[i].split("=", 2);
            properties.put(pair[0], pair[1]);
        }
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(properties); Scanner lines = new Scanner(System.in)) {
            while (lines.hasNext()) {
                sent.add(producer.send(new ProducerRecord<>(args[0], bytes(lines.next()), bytes(lines.next()))));
            }
            for (Future<RecordMetadata> future : sent) {
                System.out.println(future.get().partition() + " " + future.get().offset());
            }
        }
    }

    private static byte[] bytes(String hex) {
        if (hex.equals("-")) {
            return null;
        }
        byte[] made = new byte[(hex.length() - 1) / 2];
        for (int i = 0; i < made.length; i++) {
            made[i] = (byte) Integer.parseInt(hex.substring(2 * i + 1, 2 * i + 3), 16);
        }
        return made;
    }
}

// Prints record batches that the Java client has written, and what it reads from them, a JSON object a line. See README.rst.

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.ControlRecordType;
import org.apache.kafka.common.record.EndTransactionMarker;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.MemoryRecordsBuilder;
import org.apache.kafka.common.record.Record;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.common.record.SimpleRecord;
import org.apache.kafka.common.record.TimestampType;

public class RecordBatches {
    private static final long TIME = 1700000000000L;

    public static void main(String[] arguments) {
        for (byte magic = 0; magic <= 2; magic++) {
            print("nulls and empties", plain(magic, "none", 0, nullsAndEmpties()));
            print("timestamps in any order", plain(magic, "none", 0, timestampsInAnyOrder()));
            print("one hundred and fifty", plain(magic, "none", 0, numbered(150, 3)));
            for (String codec : new String[] {"gzip", "snappy", "lz4", "zstd"}) {
                if (magic == 2 || !codec.equals("zstd")) {
                    print(codec, plain(magic, codec, 0, numbered(3, 40)));
                    print(codec + " in several blocks, at an offset", plain(magic, codec, 1234567890123L, numbered(120, 600)));
                }
            }
            if (magic > 0) {
                print("time of appending", build(magic, "none", TimestampType.LOG_APPEND_TIME, 7, -1, false, nullsAndEmpties()));
                print("time of appending, gzip", build(magic, "gzip", TimestampType.LOG_APPEND_TIME, 7, -1, false, numbered(3, 40)));
            }
        }
        print("a value of three length bytes", plain((byte) 2, "none", 0, numbered(1, 9000)));
        print("headers", plain((byte) 2, "none", 0, withHeaders()));
        print("headers, zstd", plain((byte) 2, "zstd", 5, withHeaders()));
        print("a producer's id", build((byte) 2, "none", TimestampType.CREATE_TIME, 0, 4321L, false, numbered(3, 2)));
        print("a transaction", build((byte) 2, "none", TimestampType.CREATE_TIME, 0, 4321L, true, numbered(3, 2)));
        print("a transaction's end", MemoryRecords.withEndTransactionMarker(
            77, TIME, 6, 4321L, (short) 3, new EndTransactionMarker(ControlRecordType.COMMIT, 9)));
    }

    private static List<SimpleRecord> nullsAndEmpties() {
        return Arrays.asList(
            new SimpleRecord(TIME, bytes("key"), bytes("value")), new SimpleRecord(TIME, null, bytes("value")),
            new SimpleRecord(TIME, bytes("key"), null), new SimpleRecord(TIME, (byte[]) null, null),
            new SimpleRecord(TIME, bytes(""), bytes("")));
    }

    private static List<SimpleRecord> timestampsInAnyOrder() {
        return Arrays.asList(
            new SimpleRecord(TIME, null, bytes("a")), new SimpleRecord(TIME + 8191, null, bytes("b")),
            new SimpleRecord(TIME - 1, null, bytes("c")), new SimpleRecord(TIME + 8192, null, bytes("d")),
            new SimpleRecord(TIME - 65, null, bytes("e")), new SimpleRecord(0, null, bytes("f")),
            new SimpleRecord(4102444800000L, null, bytes("g")), new SimpleRecord(TIME + 64, null, bytes("h")));
    }

    private static List<SimpleRecord> numbered(int count, int size) {
        List<SimpleRecord> records = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            byte[] value = new byte[size];
            Arrays.fill(value, (byte) ('a' + i % 26));
            records.add(new SimpleRecord(TIME + i, bytes("k" + i), value));
        }
        return records;
    }

    private static List<SimpleRecord> withHeaders() {
        Header[] headers = {
            new RecordHeader("plain", bytes("1")), new RecordHeader("plain", bytes("2")), new RecordHeader("none", (byte[]) null),
            new RecordHeader("", bytes("")), new RecordHeader("gr\u00fc\u00dfe \u20ac", new byte[] {0, (byte) 0xff})};
        return Arrays.asList(
            new SimpleRecord(TIME, bytes("key"), bytes("value"), headers), new SimpleRecord(TIME, (byte[]) null, null, headers),
            new SimpleRecord(TIME, null, bytes("value"), new Header[0]));
    }

    private static MemoryRecords plain(byte magic, String codec, long baseOffset, List<SimpleRecord> records) {
        return build(magic, codec, TimestampType.CREATE_TIME, baseOffset, -1, false, records);
    }

    private static MemoryRecords build(
        byte magic, String codec, TimestampType timestampType, long baseOffset, long producerId, boolean transactional,
        List<SimpleRecord> records
    ) {
        Compression compression = Compression.of(CompressionType.forName(codec)).build();
        short epoch = (short) (producerId < 0 ? -1 : 3);
        MemoryRecordsBuilder builder = MemoryRecords.builder(
            ByteBuffer.allocate(1024), magic, compression, timestampType, baseOffset, TIME + 99, producerId, epoch,
            producerId < 0 ? -1 : 1000, transactional, RecordBatch.NO_PARTITION_LEADER_EPOCH);
        records.forEach(builder::append);
        return builder.build();
    }

    private static void print(String name, MemoryRecords batches) {
        RecordBatch first = batches.batches().iterator().next();
        List<String> records = new ArrayList<>();
        for (Record record : batches.records()) {
            String headers = Arrays.stream(record.headers())
                .map(header -> "[" + quoted(hex(ByteBuffer.wrap(bytes(header.key())))) + "," + quoted(hex(header.value())) + "]")
                .collect(Collectors.joining(","));
            records.add(String.format("[%d,%d,%s,%s,[%s]]", record.offset(), record.timestamp(), quoted(hex(record.key())),
                quoted(hex(record.value())), headers));
        }
        System.out.println(String.format(
            "{\"name\":\"format %d: %s\",\"magic\":%d,\"codec_id\":%d,\"timestamp_type\":%d,\"producer_id\":%d,\"producer_epoch\":%d,"
                + "\"base_sequence\":%d,\"is_transactional\":%b,\"is_control\":%b,\"bytes\":%s,\"records\":[%s]}",
            first.magic(), name, first.magic(), first.compressionType().id, Math.max(0, first.timestampType().id), first.producerId(),
            first.producerEpoch(), first.baseSequence(), first.isTransactional(), first.isControlBatch(), quoted(hex(batches.buffer())),
            String.join(",", records)));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String hex(byte[] data) {
        return data == null ? null : hex(ByteBuffer.wrap(data));
    }

    private static String hex(ByteBuffer data) {
        if (data == null) {
            return null;
        }
        long differentBytes = IntStream.range(data.position(), data.limit()).map(data::get).distinct().count();
        if (data.remaining() > 16 && differentBytes == 1) {
            return String.format("%02x*%d", data.get(data.position()), data.remaining());
        }
        StringBuilder text = new StringBuilder();
        for (ByteBuffer rest = data.duplicate(); rest.hasRemaining(); ) {
            text.append(String.format("%02x", rest.get()));
        }
        return text.toString();
    }

    private static String quoted(String text) {
        return text == null ? "null" : "\"" + text + "\"";
    }
}

package tributary.bench;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * Arguments, all from system properties: brokers, segments (file), state (directory), commit.ms, punctuate.ms,
 * time (wall or stream), threads. Prints "ready" once all partitions are being read.
 */
public final class SegmentsApp {
    public static void main(String[] arguments) throws Exception {
        List<Segment> segments = Segment.read(Path.of(required("segments")));
        Duration punctuateEvery = Duration.ofMillis(Long.getLong("punctuate.ms", 50));
        PunctuationType time = "stream".equals(System.getProperty("time")) ? PunctuationType.STREAM_TIME : PunctuationType.WALL_CLOCK_TIME;
        try (KafkaStreams streams = new KafkaStreams(topology(segments, punctuateEvery, time), configuration())) {
            CountDownLatch ended = new CountDownLatch(1);
            streams.setStateListener((now, before) -> {
                if (now == KafkaStreams.State.RUNNING) System.out.println("ready");
                if (now == KafkaStreams.State.ERROR || now == KafkaStreams.State.NOT_RUNNING) ended.countDown();
            });
            Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(5))));
            streams.start();
            ended.await();
        }
    }

    private static Topology topology(List<Segment> segments, Duration punctuateEvery, PunctuationType time) {
        // A person's events are rewritten in the store at each step; the cache lets only the last of a commit into the changelog.
        StoreBuilder<?> users = Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(SegmentsProcessor.USERS), Serdes.String(), UserState.serde(segments)).withCachingEnabled();
        StoreBuilder<?> due = Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(SegmentsProcessor.DUE), Serdes.Bytes(), Serdes.ByteArray()).withCachingEnabled();
        Topology topology = new Topology();
        topology.addSource("events", Serdes.String().deserializer(), Serdes.ByteArray().deserializer(), "inbound.events");
        topology.addProcessor("segments", () -> new SegmentsProcessor(segments, punctuateEvery, time), "events");
        topology.addStateStore(users, "segments");
        topology.addStateStore(due, "segments");
        topology.addSink("changes", "segments.changed", Serdes.String().serializer(), Serdes.ByteArray().serializer(), "segments");
        return topology;
    }

    private static Properties configuration() {
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, "kafka-streams-segments");
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, required("brokers"));
        properties.put(StreamsConfig.STATE_DIR_CONFIG, required("state"));
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, Integer.getInteger("commit.ms", 100));
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, Integer.getInteger("threads", 2));
        properties.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L << 20);
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 5);
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        return properties;
    }

    private static String required(String name) {
        String value = System.getProperty(name);
        if (value == null) throw new IllegalArgumentException("-D" + name + " is missing");
        return value;
    }
}

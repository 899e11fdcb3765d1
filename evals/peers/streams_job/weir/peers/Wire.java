package weir.peers;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;

/** One kind of Weir's records: Avro behind Confluent's five bytes. For one thread. */
final class Wire {
    private static final int HEADER = 5;

    final Schema schema;
    private final int id;
    private final GenericDatumReader<GenericRecord> reader;
    private final GenericDatumWriter<GenericRecord> writer;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream(1024);
    private BinaryDecoder decoder;
    private BinaryEncoder encoder;

    Wire(Path file, int id) throws IOException {
        schema = new Schema.Parser().parse(file.toFile());
        this.id = id;
        GenericData data = new GenericData();
        data.setFastReaderEnabled(true);
        reader = new GenericDatumReader<>(schema, schema, data);
        writer = new GenericDatumWriter<>(schema, data);
    }

    GenericRecord decode(byte[] frame) throws IOException {
        if (frame.length < HEADER || frame[0] != 0 || ByteBuffer.wrap(frame, 1, 4).getInt() != id) {
            throw new IOException("not a frame of this schema");
        }
        decoder = DecoderFactory.get().binaryDecoder(frame, HEADER, frame.length - HEADER, decoder);
        return reader.read(null, decoder);
    }

    byte[] encode(GenericRecord record) throws IOException {
        out.reset();
        out.write(0);
        out.write(ByteBuffer.allocate(4).putInt(id).array());
        encoder = EncoderFactory.get().binaryEncoder(out, encoder);
        writer.write(record, encoder);
        encoder.flush();
        return out.toByteArray();
    }
}

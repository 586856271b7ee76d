/* From RTP payloads to samples of 16 bits, mono, at 8 kHz. */
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace callvane {

/* One payload type's. */
class Decoder {
public:
    explicit Decoder(unsigned clock_hz) : clock_hz(clock_hz) {}
    virtual ~Decoder() {}

    /* Appends what a payload holds; whatever is wrong with it, only less. */
    virtual void decode(const uint8_t *payload, size_t size, std::vector<int16_t> &samples) = 0;

    /* Of the RTP timestamps. */
    const unsigned clock_hz;
};

/* What a payload type stands for. */
enum class PayloadKind { voice, silent, unknown };

/* The payload types of one stream. */
class Payloads {
public:
    /* Static types of G.711 (RFC 3551) need not be said; comfort noise neither. */
    Payloads();

    /* Says what a type is, by its encoding's name; a name that nobody here decodes makes it unknown. */
    void set(unsigned type, const std::string &encoding, unsigned clock_hz, unsigned channels);

    /* Goes on with the decoders of types that mean the same as before: they know what they have decoded. */
    void inherit(Payloads &before);

    PayloadKind kind(unsigned type) const { return PayloadKind(kinds_[type & 127]); }

    /* Of a type that is voice; null where the library has no codec for it after all. */
    Decoder *decoder(unsigned type);

private:
    struct Codec {
        std::string encoding;
        unsigned clock_hz, channels;
        std::unique_ptr<Decoder> decoder;
    };
    uint8_t kinds_[128];
    std::vector<std::pair<unsigned, Codec>> codecs_;
};

} // namespace callvane

#include "decoder.hpp"

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include <pjmedia.h>
#include <pjmedia/alaw_ulaw.h>
#include <pjsua-lib/pjsua.h>

#include "speech.hpp"

namespace callvane {

namespace {

enum { PCMU = 0, PCMA = 8, COMFORT_NOISE = 13 };

class Ulaw : public Decoder {
public:
    Ulaw() : Decoder(SAMPLE_RATE_HZ) {}
    void decode(const uint8_t *payload, size_t size, std::vector<int16_t> &samples) override
    {
        for (size_t i = 0; i < size; ++i)
            samples.push_back((int16_t)pjmedia_ulaw2linear(payload[i]));
    }
};

class Alaw : public Decoder {
public:
    Alaw() : Decoder(SAMPLE_RATE_HZ) {}
    void decode(const uint8_t *payload, size_t size, std::vector<int16_t> &samples) override
    {
        for (size_t i = 0; i < size; ++i)
            samples.push_back((int16_t)pjmedia_alaw2linear(payload[i]));
    }
};

std::string lower(std::string text)
{
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return (char)std::tolower(c); });
    return text;
}

/* A codec of the library's, and from its rate to ours. */
class LibraryCodec : public Decoder {
public:
    /* `codec_hz`: the rate in the codec's name, which G.722's RTP clock differs from (RFC 3551 section 4.5.2). */
    LibraryCodec(const std::string &encoding, unsigned codec_hz, unsigned channels, unsigned clock_hz)
        : Decoder(clock_hz), pool_(nullptr), codec_(nullptr), resampler_(nullptr)
    {
        if (!pjsua_get_pjmedia_endpt())
            throw std::runtime_error("the library is not there");
        manager_ = pjmedia_endpt_get_codec_mgr(pjsua_get_pjmedia_endpt());
        pool_ = pjsua_pool_create("hear%p", 4000, 4000);
        if (!pool_ || !open(encoding, codec_hz, channels)) {
            close();
            throw std::runtime_error("no codec for " + encoding);
        }
    }

    ~LibraryCodec() override { close(); }

    void decode(const uint8_t *payload, size_t size, std::vector<int16_t> &samples) override
    {
        pjmedia_frame frames[16];
        unsigned count = PJ_ARRAY_SIZE(frames);
        pj_timestamp at;
        at.u64 = 0;
        pj_bzero(frames, sizeof(frames));
        if (pjmedia_codec_parse(codec_, const_cast<uint8_t *>(payload), size, &at, &count, frames) != PJ_SUCCESS)
            return;
        for (unsigned i = 0; i < count && i < PJ_ARRAY_SIZE(frames); ++i)
            decode_frame(frames[i], samples);
    }

private:
    bool open(const std::string &encoding, unsigned codec_hz, unsigned channels)
    {
        std::string id = encoding + "/" + std::to_string(codec_hz) + "/" + std::to_string(channels);
        pj_str_t name = {const_cast<char *>(id.data()), (pj_ssize_t)id.size()};
        const pjmedia_codec_info *info = nullptr;
        unsigned count = 1;
        if (pjmedia_codec_mgr_find_codecs_by_id(manager_, &name, &count, &info, nullptr) != PJ_SUCCESS || !count)
            return false;
        pjmedia_codec_param parameters;
        if (pjmedia_codec_mgr_get_default_param(manager_, info, &parameters) != PJ_SUCCESS ||
            pjmedia_codec_mgr_alloc_codec(manager_, info, &codec_) != PJ_SUCCESS)
            return false;
        if (lower(encoding) == "opus") { /* it decodes at any rate, whatever its clock */
            parameters.info.clock_rate = SAMPLE_RATE_HZ;
            parameters.info.channel_cnt = 1;
        }
        parameters.setting.plc = parameters.setting.vad = 0;
        if (pjmedia_codec_init(codec_, pool_) != PJ_SUCCESS || pjmedia_codec_open(codec_, &parameters) != PJ_SUCCESS)
            return false;
        rate_hz_ = parameters.info.clock_rate;
        if (parameters.info.channel_cnt != 1)
            return false;
        buffer_.resize(std::max<size_t>(rate_hz_ * 12 / 100, 320));
        return true;
    }

    void decode_frame(pjmedia_frame &frame, std::vector<int16_t> &samples)
    {
        pjmedia_frame out;
        pj_bzero(&out, sizeof(out));
        out.buf = buffer_.data();
        out.size = buffer_.size() * 2;
        if (pjmedia_codec_decode(codec_, &frame, (unsigned)out.size, &out) != PJ_SUCCESS)
            return;
        size_t count = std::min(out.size / 2, buffer_.size());
        if (!count)
            return;
        if (rate_hz_ == SAMPLE_RATE_HZ)
            samples.insert(samples.end(), buffer_.begin(), buffer_.begin() + count);
        else
            resample(count, samples);
    }

    void resample(size_t count, std::vector<int16_t> &samples)
    {
        if (count != resampled_count_) { /* the packets' length has changed */
            destroy_resampler();
            if (pjmedia_resample_create(pool_, PJ_TRUE, PJ_FALSE, 1, rate_hz_, SAMPLE_RATE_HZ, (unsigned)count,
                                        &resampler_) != PJ_SUCCESS) {
                resampler_ = nullptr;
                return;
            }
            resampled_count_ = count;
        }
        size_t begin = samples.size();
        samples.resize(begin + count * SAMPLE_RATE_HZ / rate_hz_);
        pjmedia_resample_run(resampler_, buffer_.data(), samples.data() + begin);
    }

    void destroy_resampler()
    {
        if (resampler_)
            pjmedia_resample_destroy(resampler_);
        resampler_ = nullptr;
        resampled_count_ = 0;
    }

    void close()
    {
        destroy_resampler();
        if (codec_) {
            pjmedia_codec_close(codec_);
            pjmedia_codec_mgr_dealloc_codec(manager_, codec_);
        }
        if (pool_)
            pj_pool_release(pool_);
        codec_ = nullptr;
        pool_ = nullptr;
    }

    pjmedia_codec_mgr *manager_;
    pj_pool_t *pool_;
    pjmedia_codec *codec_;
    pjmedia_resample *resampler_;
    size_t resampled_count_ = 0;
    unsigned rate_hz_ = SAMPLE_RATE_HZ;
    std::vector<int16_t> buffer_;
};

PayloadKind kind_of(const std::string &encoding)
{
    if (encoding == "pcmu" || encoding == "pcma" || encoding == "g722" || encoding == "opus")
        return PayloadKind::voice;
    if (encoding == "cn" || encoding == "telephone-event")
        return PayloadKind::silent;
    return PayloadKind::unknown;
}

} // namespace

Payloads::Payloads()
{
    std::fill(kinds_, kinds_ + sizeof(kinds_), (uint8_t)PayloadKind::unknown);
    set(PCMU, "pcmu", SAMPLE_RATE_HZ, 1);
    set(PCMA, "pcma", SAMPLE_RATE_HZ, 1);
    set(COMFORT_NOISE, "cn", SAMPLE_RATE_HZ, 1);
}

void Payloads::set(unsigned type, const std::string &encoding, unsigned clock_hz, unsigned channels)
{
    std::string name = lower(encoding);
    PayloadKind kind = type < 128 ? kind_of(name) : PayloadKind::unknown;
    if (type >= 128)
        return;
    kinds_[type] = (uint8_t)kind;
    codecs_.erase(std::remove_if(codecs_.begin(), codecs_.end(),
                                 [type](const std::pair<unsigned, Codec> &each) { return each.first == type; }),
                  codecs_.end());
    if (kind == PayloadKind::voice)
        codecs_.emplace_back(type, Codec{name, clock_hz, channels, nullptr});
}

void Payloads::inherit(Payloads &before)
{
    for (auto &own : codecs_) {
        for (auto &other : before.codecs_) {
            if (own.first == other.first && own.second.encoding == other.second.encoding &&
                own.second.clock_hz == other.second.clock_hz && own.second.channels == other.second.channels)
                own.second.decoder = std::move(other.second.decoder);
        }
    }
}

Decoder *Payloads::decoder(unsigned type)
{
    for (auto &each : codecs_) {
        Codec &codec = each.second;
        if (each.first != type)
            continue;
        if (codec.decoder)
            return codec.decoder.get();
        try {
            if (codec.encoding == "pcmu")
                codec.decoder.reset(new Ulaw);
            else if (codec.encoding == "pcma")
                codec.decoder.reset(new Alaw);
            else if (codec.encoding == "g722")
                codec.decoder.reset(new LibraryCodec(codec.encoding, 16000, 1, SAMPLE_RATE_HZ));
            else
                codec.decoder.reset(new LibraryCodec(codec.encoding, codec.clock_hz, codec.channels, codec.clock_hz));
            return codec.decoder.get();
        } catch (const std::runtime_error &) {
            kinds_[type & 127] = (uint8_t)PayloadKind::unknown;
            return nullptr;
        }
    }
    return nullptr;
}

} // namespace callvane

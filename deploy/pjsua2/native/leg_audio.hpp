/*
 * One leg's audio, from RTP packets to stretches of speech, on the call's time axis. Pure: the clock is passed in.
 *
 * Between a stream's socket (hearing.cpp) and the application. Packets are put into the order of their numbers, decoded
 * and laid onto the leg's time as they come: a recorder plays nothing, so nothing waits for a playout clock. Speech is
 * found frame by frame; only speech and what surrounds it goes on, the rest is counted.
 *
 * Times: `now` in unix seconds; a leg's position in samples of 8 kHz since its anchor.
 */
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "decoder.hpp"
#include "speech.hpp"

namespace callvane {

/* What goes to the application: a stretch of frames, or a mark between two. */
struct Stretch {
    enum Kind { speech, speech_ends, paused, resumed };
    Kind kind;
    /* Number of its first frame in the leg; for a mark, of the next one. */
    uint64_t start;
    /* One byte a frame, 1 for speech. */
    std::vector<char> flags;
    std::vector<int16_t> samples;
    /* Unix seconds at frame 0. */
    double anchor;
    /* Over the frames of speech: the sum of their samples' squares, and samples at the codec's ceiling. */
    double energy;
    unsigned clipped;

    size_t frames() const { return flags.size(); }
};

/* In frames, but for the packets. They only grow. */
struct LegCounts {
    uint64_t heard;
    /* Never arrived, or came too late for their place. */
    uint64_t lost;
    /* Thrown away: they came too late, or were ahead of the clock by more than the buffer. Copies do not count. */
    uint64_t late;
    /* Not taken by the application in time. */
    uint64_t dropped;
    /* Packets of a payload type that cannot be decoded, and the latest such type. */
    uint64_t undecodable;
    unsigned undecodable_type;
    /* Packets of another source than the one that is heard (SSRC). */
    uint64_t foreign;
};

struct Packet {
    unsigned type;
    uint16_t number;
    uint32_t timestamp;
    uint32_t source;
    const uint8_t *payload;
    size_t size;
};

class LegAudio {
public:
    /* `pre_roll`, `hangover`: frames before speech that go with it, and unvoiced ones that end it. */
    LegAudio(unsigned pre_roll, unsigned hangover, int aggressiveness);

    /* The leg's time begins: `seconds` of the call have passed. Further calls change nothing. */
    void begin(double seconds, double now);

    /* What the stream's payload types are, from now on; what one of them is. */
    void set_payloads(Payloads payloads);
    void set_payload(unsigned type, const char *encoding, unsigned clock_hz, unsigned channels);

    void packet(const Packet &packet, double now);

    /* Frames as they are, in order; for tests of what stands behind. */
    void put(const int16_t *samples, size_t count, double now);

    /* Nothing feeds the leg until it is resumed; its time goes on meanwhile. */
    void pause(double now);
    void resume(double now);

    /* Time has passed: what waits in vain for a lost packet goes on, speech whose packets have stopped ends. */
    void tick(double now);

    /* Puts the speech that is going on among the stretches, as far as it has come. */
    void hand_over();

    /* Seconds by which what is heard is behind the clock: the least of the last second. */
    double lag_seconds() const { return lag_ / SAMPLE_RATE_HZ; }

    /* Number of the next frame; where nothing has come for a while, the one that the clock has come to. It never goes
     * back: what comes late after all is then behind it. */
    uint64_t position(double now);

    LegCounts counts() const { return counts_; }

    /* Oldest first; the application takes them out. */
    std::deque<Stretch> stretches;

    /* So many frames of `stretches` were taken out. */
    void taken(size_t frames) { waiting_frames_ -= frames; }

private:
    struct Held {
        unsigned type;
        uint32_t timestamp;
        double arrived;
        std::vector<uint8_t> payload;
    };

    void follow_clock(double now);
    uint64_t frame_at(double now) const;
    bool is_of_source(const Packet &packet, double now);
    void sort(const Packet &packet, double now);
    void behind(const Packet &packet, unsigned distance, double now);
    void start_anew(const Packet &packet, double now);
    void hold(const Packet &packet, double now);
    void go_on(double now, bool give_up);
    void deliver(unsigned type, uint32_t timestamp, const uint8_t *payload, size_t size, double now);
    int64_t gap_before(uint32_t timestamp, const Decoder &decoder, size_t samples, double now) const;
    void fill(int64_t samples, bool lost);
    void append(const int16_t *samples, size_t count);
    void frame(const int16_t *samples);
    void quiet_frame(const int16_t *samples);
    void talking_frame(const int16_t *samples, bool voiced);
    void skip_to(uint64_t frame);
    void add(const int16_t *samples, bool voiced);
    void emit(Stretch::Kind kind);
    void mark(Stretch::Kind kind);
    void push(Stretch &&stretch);
    void keep_time(double now);
    int64_t ahead(double now) const;

    const unsigned pre_roll_, hangover_;
    SpeechDetector detector_;
    Payloads payloads_;
    LegCounts counts_;

    /* Order. */
    bool synchronized_, probing_;
    uint16_t next_number_, probed_number_;
    uint32_t source_, other_source_;
    unsigned other_packets_;
    std::map<uint32_t, Held> held_; /* by the distance from next_number_ when they came, see `base_` */
    uint64_t base_;                 /* extended number of next_number_ */
    unsigned missing_;              /* packets given up since the last one delivered */
    std::bitset<128> given_up_;     /* those before next_number_, the latest first, that may still come */
    unsigned repeated_;             /* packets in a row whose numbers have been there */

    /* Time. */
    bool begun_, paused_;
    double anchor_, arrived_, heard_; /* the latest packet, the latest audio */
    double latest_;                   /* what the clock has shown */
    uint32_t next_timestamp_;
    bool timed_;
    size_t packet_samples_;
    double lag_, least_lag_, lag_since_;
    bool makes_up_; /* drops silence, since it is ahead of the clock */
    uint64_t position_;

    /* Frames. */
    uint64_t frame_;
    int16_t partial_[FRAME_SAMPLES];
    size_t partial_size_;
    int16_t last_[FRAME_SAMPLES];
    std::vector<int16_t> samples_; /* of one packet */

    /* Speech. */
    bool talking_;
    unsigned silent_frames_;
    std::deque<std::vector<int16_t>> before_; /* unvoiced frames, the pre-roll of what follows */
    Stretch now_;
    size_t waiting_frames_;
};

} // namespace callvane

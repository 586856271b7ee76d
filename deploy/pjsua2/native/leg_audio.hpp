/*
 * One leg's audio, from RTP packets to stretches of speech, on the call's time axis. Pure: the clock is passed in.
 *
 * Between a stream's socket (streams.cpp) and the application. Packets are put into the order of their numbers
 * (PacketOrder), decoded and laid onto the leg's time as they come: a recorder plays nothing, so nothing waits for a
 * playout clock. Speech is found frame by frame (Framing, SpeechGate); only speech and what surrounds it goes on, the
 * rest is counted.
 *
 * Times: `now` in unix seconds; a leg's position in samples of 8 kHz since its anchor.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "decoder.hpp"
#include "framing.hpp"
#include "packet_order.hpp"
#include "speech.hpp"
#include "speech_gate.hpp"

namespace callvane {

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

class LegAudio : private PacketOrder::Receiver, private Framing::Receiver {
public:
    /* `pre_roll`, `hangover`: frames before speech that go with it, and unvoiced ones that end it. Throws
     * std::runtime_error as SpeechDetector does. */
    LegAudio(unsigned pre_roll, unsigned hangover, int aggressiveness, unsigned ahead);

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
    void hand_over() { gate_.hand_over(); }

    /* Seconds by which what is heard is behind the clock: the least of the last second. */
    double lag_seconds() const { return lag_ / SAMPLE_RATE_HZ; }

    /* Number of the next frame; where nothing has come for a while, the one that the clock has come to. It never goes
     * back: what comes late after all is then behind it. */
    uint64_t position(double now);

    LegCounts counts() const;

    /* The oldest stretch of those that wait for the application, null where none does. */
    const Stretch *oldest() const { return gate_.oldest(); }

    /* The oldest was taken. */
    void taken() { gate_.taken(); }

private:
    void next(const Packet &packet, const Place &place) override;
    void late() override;
    void frame(const int16_t *samples) override;

    void follow_clock(double now);
    uint64_t frame_at(double now) const;
    void set_anchor(double anchor);
    int64_t gap_before(uint32_t timestamp, const Decoder &decoder, size_t samples, double now) const;
    void fill(int64_t samples, bool lost);
    void skip_to(uint64_t frame);
    void keep_time(double now);
    int64_t ahead(double now) const;

    PacketOrder order_;
    Framing framing_;
    SpeechGate gate_;
    Payloads payloads_;
    LegCounts counts_; /* without what order_ and gate_ count */

    bool begun_, paused_;
    double anchor_, heard_; /* unix seconds at frame 0, and of the latest audio */
    double latest_;         /* what the clock has shown */
    uint32_t next_timestamp_;
    bool timed_;
    size_t packet_samples_;
    unsigned missing_; /* packets given up since the latest audio */
    double lag_, least_lag_, lag_since_;
    bool makes_up_; /* drops silence, since it is ahead of the clock */
    uint64_t position_;
    uint64_t frame_;               /* number of the next one */
    std::vector<int16_t> samples_; /* of one packet */
};

} // namespace callvane

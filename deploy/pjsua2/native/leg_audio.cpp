#include "leg_audio.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace callvane {

namespace {

/* Timestamps that jump by less are a sender's habit; by more they tell of silence that was not sent. */
const int64_t LEAST_GAP_SAMPLES = 3 * FRAME_SAMPLES;
/* Jitter that a loss may hide. */
const int64_t SLACK_SAMPLES = SAMPLE_RATE_HZ / 10;
/* Audio ahead of the clock by more than this is nobody's speech. */
const int64_t BUFFER_SAMPLES = 5 * SAMPLE_RATE_HZ;
/* Past this, a leg's time is set by the clock, in the next silence. */
const int64_t OFF_SAMPLES = SAMPLE_RATE_HZ / 4;
const double LAG_SECONDS = 1;
/* A clock that goes back by more was set back. */
const double SET_BACK_SECONDS = 1;
/* Beyond the hangover: speech whose packets have stopped ends after both. */
const double STOPPED_SECONDS = 0.2;
/* After this without audio a leg's time is the clock's. */
const double SILENT_SECONDS = 1;

int64_t rounded(double samples) { return (int64_t)std::floor(samples + 0.5); }

size_t frames_of(size_t samples) { return std::max<size_t>(1, samples / FRAME_SAMPLES); }

} // namespace

LegAudio::LegAudio(unsigned pre_roll, unsigned hangover, int aggressiveness, unsigned ahead)
    : order_(*this), framing_(*this), gate_(pre_roll, hangover, aggressiveness, ahead), counts_(), begun_(false),
      paused_(false), anchor_(0), heard_(0), latest_(0), next_timestamp_(0), timed_(false),
      packet_samples_(FRAME_SAMPLES), missing_(0), lag_(0), least_lag_(HUGE_VAL), lag_since_(0), makes_up_(false),
      position_(0), frame_(0)
{
}

void LegAudio::begin(double seconds, double now)
{
    if (begun_)
        return;
    begun_ = true;
    set_anchor(now - seconds);
    heard_ = latest_ = now;
    frame_ = (uint64_t)std::max<int64_t>(0, rounded(seconds * FRAMES_A_SECOND));
}

void LegAudio::set_payloads(Payloads payloads)
{
    payloads.inherit(payloads_);
    payloads_ = std::move(payloads);
}

void LegAudio::set_payload(unsigned type, const char *encoding, unsigned clock_hz, unsigned channels)
{
    payloads_.set(type, encoding, clock_hz, channels);
}

void LegAudio::packet(const Packet &packet, double now)
{
    follow_clock(now);
    if (paused_)
        return;
    begin(0, now);
    order_.packet(packet, now);
}

void LegAudio::put(const int16_t *samples, size_t count, double now)
{
    follow_clock(now);
    if (paused_)
        return;
    begin(0, now - (double)count / SAMPLE_RATE_HZ);
    heard_ = now;
    framing_.append(samples, count);
}

/* The clock is the machine's, which may be set; a leg goes on from where it is. Set forward, it looks like silence. */
void LegAudio::follow_clock(double now)
{
    if (begun_ && now < latest_ - SET_BACK_SECONDS) {
        double back = latest_ - now;
        set_anchor(anchor_ - back);
        heard_ -= back;
        lag_since_ -= back;
        order_.set_back(back);
        latest_ = now;
    }
    latest_ = std::max(latest_, now);
}

void LegAudio::set_anchor(double anchor)
{
    anchor_ = anchor;
    gate_.set_anchor(anchor);
}

void LegAudio::late() { counts_.late += frames_of(packet_samples_); }

void LegAudio::next(const Packet &packet, const Place &place)
{
    if (place.begins) {
        timed_ = false;
        missing_ = 0;
    }
    missing_ += place.given_up;
    PayloadKind kind = payloads_.kind(packet.type);
    Decoder *decoder = kind == PayloadKind::voice ? payloads_.decoder(packet.type) : nullptr;
    if (!decoder) {
        if (kind != PayloadKind::silent) {
            ++counts_.undecodable;
            counts_.undecodable_type = packet.type;
        }
        return;
    }
    samples_.clear();
    decoder->decode(packet.payload, packet.size, samples_);
    if (samples_.empty())
        return;
    double now = place.arrived; /* what it has waited since is not the sender's delay */
    int64_t gap = gap_before(packet.timestamp, *decoder, samples_.size(), now);
    bool lost = missing_ > 0;
    if (lost)
        counts_.lost += missing_ * frames_of(packet_samples_);
    missing_ = 0;
    packet_samples_ = samples_.size();
    next_timestamp_ = packet.timestamp + (uint32_t)(samples_.size() * decoder->clock_hz / SAMPLE_RATE_HZ);
    timed_ = true;
    if (ahead(now) + gap + (int64_t)samples_.size() > BUFFER_SAMPLES) {
        counts_.late += frames_of(samples_.size());
        return;
    }
    heard_ = std::max(heard_, now);
    fill(gap, lost);
    framing_.append(samples_.data(), samples_.size());
    keep_time(now);
}

/* Samples between what was heard and this packet. Timestamps tell, as far as the clock bears them out: senders jump. */
int64_t LegAudio::gap_before(uint32_t timestamp, const Decoder &decoder, size_t samples, double now) const
{
    int64_t room = -ahead(now) - (int64_t)samples;
    if (!timed_) /* a stream begins, or begins anew: the clock alone tells where */
        return room >= LEAST_GAP_SAMPLES || frame_ == 0 ? std::max<int64_t>(0, room) : 0;
    int64_t told = (int64_t)(int32_t)(timestamp - next_timestamp_) * SAMPLE_RATE_HZ / decoder.clock_hz;
    if (missing_) {
        int64_t missed = (int64_t)missing_ * (int64_t)packet_samples_;
        int64_t least = std::min(missed, std::max<int64_t>(0, room) + SLACK_SAMPLES);
        return told > 0 ? std::min(told, std::max(least, room + SLACK_SAMPLES)) : least;
    }
    int64_t gap = std::min(told, room);
    return gap >= LEAST_GAP_SAMPLES ? gap : 0;
}

void LegAudio::fill(int64_t samples, bool lost)
{
    if (samples <= 0)
        return;
    if (samples <= (int64_t)gate_.hangover() * FRAME_SAMPLES)
        framing_.bridge((size_t)samples, lost);
    else
        skip_to(frame_ + (uint64_t)(((int64_t)framing_.partial() + samples) / FRAME_SAMPLES));
}

void LegAudio::frame(const int16_t *samples)
{
    ++counts_.heard;
    if (gate_.hear(samples, frame_)) {
        ++frame_;
        return;
    }
    /* Ahead of the clock: silence makes up for it, the oldest that may still be wanted first. */
    makes_up_ = lag_ < (makes_up_ ? -(double)FRAME_SAMPLES : -(double)OFF_SAMPLES);
    gate_.keep(samples, makes_up_);
    if (makes_up_)
        lag_ += FRAME_SAMPLES;
    else
        ++frame_;
}

/* Nothing was there until then: speech before it ends. */
void LegAudio::skip_to(uint64_t frame)
{
    gate_.interrupt();
    if (frame > frame_) {
        framing_.drop_partial();
        frame_ = frame;
    }
}

uint64_t LegAudio::frame_at(double now) const
{
    return (uint64_t)std::max<int64_t>(0, rounded((now - anchor_) * FRAMES_A_SECOND));
}

void LegAudio::pause(double now)
{
    follow_clock(now);
    if (paused_)
        return;
    order_.give_up();
    skip_to(begun_ ? frame_at(now) : frame_);
    paused_ = true;
    gate_.mark(Stretch::paused, frame_);
}

void LegAudio::resume(double now)
{
    follow_clock(now);
    begin(0, now);
    if (!paused_)
        return;
    paused_ = makes_up_ = false;
    order_.begin_anew();
    lag_ = 0;
    least_lag_ = HUGE_VAL;
    skip_to(frame_at(now));
    gate_.mark(Stretch::resumed, frame_);
}

void LegAudio::tick(double now)
{
    follow_clock(now);
    order_.tick(now);
    if (gate_.talking() && now - heard_ >= (double)gate_.hangover() / FRAMES_A_SECOND + STOPPED_SECONDS)
        skip_to(frame_); /* packets may be late and not lost: the leg's time stands until one tells */
}

uint64_t LegAudio::position(double now)
{
    bool silent = begun_ && !paused_ && now - heard_ >= SILENT_SECONDS;
    position_ = std::max({position_, frame_, silent ? frame_at(now) : 0});
    return position_;
}

LegCounts LegAudio::counts() const
{
    LegCounts counts = counts_;
    counts.dropped = gate_.dropped();
    counts.foreign = order_.foreign();
    return counts;
}

/* Samples by which the leg is ahead of the clock. */
int64_t LegAudio::ahead(double now) const
{
    return (int64_t)(frame_ * FRAME_SAMPLES + framing_.partial()) - rounded((now - anchor_) * SAMPLE_RATE_HZ);
}

/* A sender's clock drifts, and one that paused may go on where it stopped: time is mended where nobody speaks. */
void LegAudio::keep_time(double now)
{
    if (least_lag_ == HUGE_VAL)
        lag_since_ = now;
    least_lag_ = std::min(least_lag_, (double)-ahead(now));
    if (now - lag_since_ < LAG_SECONDS) /* within a burst, all but its end lags */
        return;
    lag_ = least_lag_;
    least_lag_ = HUGE_VAL;
    if (lag_ > (double)OFF_SAMPLES && !gate_.talking()) {
        skip_to(frame_ + (uint64_t)(lag_ / FRAME_SAMPLES));
        lag_ = 0;
    }
}

} // namespace callvane

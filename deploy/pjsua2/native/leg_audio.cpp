#include "leg_audio.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <utility>

namespace callvane {

namespace {

/* What a packet that is missing is waited for: nothing but what follows it is delayed by that. */
const double REORDER_SECONDS = 0.2;
const size_t REORDER_PACKETS = 10;
/* Numbers further ahead or behind than this are another stream's (RFC 3550 appendix A.1). */
const int MOST_AHEAD = 3000;
const int MOST_BEHIND = 100;
/* So many numbers in a row that have been there, and the sender has begun anew. */
const unsigned REPEATED_PACKETS = 10;
/* A source that has been silent so long gives way to another; one that goes on keeps the leg. */
const double SOURCE_SECONDS = 0.2;
const unsigned OTHER_PACKETS = 3;
/* Of a loss, so much is bridged by repeating what was heard last; more is silence. */
const int64_t CONCEALED_SAMPLES = 3 * FRAME_SAMPLES;
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
/* A stretch is handed over by then, though the speech goes on. */
const size_t STRETCH_FRAMES = FRAMES_A_SECOND;
/* What waits for the application: past it the oldest goes. */
const size_t WAITING_FRAMES = 5 * FRAMES_A_SECOND;
/* G.711's largest samples are 32,124 (u-law) and 32,256 (A-law). */
const int CLIPPED_SAMPLE = 32000;

int64_t rounded(double samples) { return (int64_t)std::floor(samples + 0.5); }

size_t frames_of(size_t samples) { return std::max<size_t>(1, samples / FRAME_SAMPLES); }

} // namespace

LegAudio::LegAudio(unsigned pre_roll, unsigned hangover, int aggressiveness)
    : pre_roll_(pre_roll), hangover_(hangover), detector_(aggressiveness), counts_(), synchronized_(false),
      probing_(false), next_number_(0), probed_number_(0), source_(0), other_source_(0), other_packets_(0), base_(0),
      missing_(0), repeated_(0), begun_(false), paused_(false), anchor_(0), arrived_(0), heard_(0), latest_(0),
      next_timestamp_(0), timed_(false), packet_samples_(FRAME_SAMPLES), lag_(0), least_lag_(HUGE_VAL), lag_since_(0),
      makes_up_(false), position_(0), frame_(0), partial_size_(0), talking_(false), silent_frames_(0), now_(),
      waiting_frames_(0)
{
    std::memset(last_, 0, sizeof(last_));
}

void LegAudio::begin(double seconds, double now)
{
    if (begun_)
        return;
    begun_ = true;
    anchor_ = now - seconds;
    arrived_ = heard_ = latest_ = now;
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
    if (paused_ || !is_of_source(packet, now))
        return;
    begin(0, now);
    arrived_ = now;
    sort(packet, now);
}

void LegAudio::put(const int16_t *samples, size_t count, double now)
{
    follow_clock(now);
    if (paused_)
        return;
    begin(0, now - (double)count / SAMPLE_RATE_HZ);
    arrived_ = heard_ = now;
    append(samples, count);
}

/* The clock is the machine's, which may be set; a leg goes on from where it is. Set forward, it looks like silence. */
void LegAudio::follow_clock(double now)
{
    if (begun_ && now < latest_ - SET_BACK_SECONDS) {
        double back = latest_ - now;
        anchor_ -= back;
        arrived_ -= back;
        heard_ -= back;
        lag_since_ -= back;
        for (auto &each : held_)
            each.second.arrived -= back;
        latest_ = now;
    }
    latest_ = std::max(latest_, now);
}

/* Two senders at once would be heard as noise, and a stranger could speak on the leg: the first is kept while it goes
 * on. A PBX that changes its source stops the old one. */
bool LegAudio::is_of_source(const Packet &packet, double now)
{
    if (!synchronized_ || packet.source == source_) {
        other_packets_ = 0;
        source_ = packet.source;
        return true;
    }
    other_packets_ = packet.source == other_source_ ? other_packets_ + 1 : 1;
    other_source_ = packet.source;
    if (now - arrived_ < SOURCE_SECONDS || other_packets_ < OTHER_PACKETS) {
        ++counts_.foreign;
        return false;
    }
    go_on(now, true);
    synchronized_ = false;
    other_packets_ = 0;
    source_ = packet.source;
    return true;
}

void LegAudio::sort(const Packet &packet, double now)
{
    if (!synchronized_) {
        synchronized_ = true;
        probing_ = timed_ = false;
        missing_ = repeated_ = 0;
        given_up_.reset();
        next_number_ = packet.number;
    }
    int distance = (int16_t)(uint16_t)(packet.number - next_number_);
    if (distance >= 0 && distance < MOST_AHEAD)
        repeated_ = 0;
    if (distance == 0) {
        ++next_number_, ++base_;
        given_up_ <<= 1;
        deliver(packet.type, packet.timestamp, packet.payload, packet.size, now);
        go_on(now, false);
    } else if (distance > 0 && distance < MOST_AHEAD) {
        probing_ = false;
        hold(packet, now);
        go_on(now, false);
    } else if (distance < 0 && distance > -MOST_BEHIND) {
        behind(packet, (unsigned)-distance, now);
    } else if (probing_ && packet.number == probed_number_) { /* twice in a row */
        start_anew(packet, now);
    } else {
        probing_ = true;
        probed_number_ = (uint16_t)(packet.number + 1);
    }
}

/* Its number has been passed: it was given up and comes after all, or it is a copy. */
void LegAudio::behind(const Packet &packet, unsigned distance, double now)
{
    if (given_up_[distance - 1]) {
        given_up_[distance - 1] = false;
        counts_.late += frames_of(packet_samples_);
    } else if (++repeated_ >= REPEATED_PACKETS) {
        start_anew(packet, now);
    }
}

/* The sender numbers its packets anew. */
void LegAudio::start_anew(const Packet &packet, double now)
{
    go_on(now, true);
    synchronized_ = false;
    sort(packet, now);
}

void LegAudio::hold(const Packet &packet, double now)
{
    uint64_t number = base_ + (uint16_t)(packet.number - next_number_);
    Held held = {packet.type, packet.timestamp, now,
                 std::vector<uint8_t>(packet.payload, packet.payload + packet.size)};
    held_.emplace((uint32_t)number, std::move(held));
}

/* Delivers what is next, and what follows a packet that is waited for no longer. */
void LegAudio::go_on(double now, bool give_up)
{
    while (!held_.empty()) {
        auto first = held_.begin();
        uint32_t distance = first->first - (uint32_t)base_;
        if (distance) {
            bool waits = held_.size() < REORDER_PACKETS && now - first->second.arrived < REORDER_SECONDS;
            if (waits && !give_up)
                return;
            missing_ += distance;
            base_ += distance;
            next_number_ = (uint16_t)(next_number_ + distance);
            given_up_ <<= distance;
            for (uint32_t i = 0; i < std::min<uint32_t>(distance, MOST_BEHIND); ++i)
                given_up_.set(i);
        }
        Held held = std::move(first->second);
        held_.erase(first);
        ++next_number_, ++base_;
        given_up_ <<= 1;
        /* As of when it came: what it has waited since is not the sender's delay. */
        deliver(held.type, held.timestamp, held.payload.data(), held.payload.size(), held.arrived);
    }
}

void LegAudio::deliver(unsigned type, uint32_t timestamp, const uint8_t *payload, size_t size, double now)
{
    PayloadKind kind = payloads_.kind(type);
    Decoder *decoder = kind == PayloadKind::voice ? payloads_.decoder(type) : nullptr;
    if (!decoder) {
        if (kind != PayloadKind::silent) {
            ++counts_.undecodable;
            counts_.undecodable_type = type;
        }
        return;
    }
    samples_.clear();
    decoder->decode(payload, size, samples_);
    if (samples_.empty())
        return;
    int64_t gap = gap_before(timestamp, *decoder, samples_.size(), now);
    bool lost = missing_ > 0;
    if (lost)
        counts_.lost += missing_ * frames_of(packet_samples_);
    missing_ = 0;
    packet_samples_ = samples_.size();
    next_timestamp_ = timestamp + (uint32_t)(samples_.size() * decoder->clock_hz / SAMPLE_RATE_HZ);
    timed_ = true;
    if (ahead(now) + gap + (int64_t)samples_.size() > BUFFER_SAMPLES) {
        counts_.late += frames_of(samples_.size());
        return;
    }
    heard_ = std::max(heard_, now);
    fill(gap, lost);
    append(samples_.data(), samples_.size());
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
    static const int16_t silence[FRAME_SAMPLES] = {0};
    if (samples > (int64_t)hangover_ * FRAME_SAMPLES) {
        int64_t whole = ((int64_t)partial_size_ + samples) / FRAME_SAMPLES;
        skip_to(frame_ + (uint64_t)whole);
        return;
    }
    int16_t repeated[FRAME_SAMPLES];
    std::memcpy(repeated, last_, sizeof(repeated));
    bool conceal = lost && samples <= CONCEALED_SAMPLES;
    while (samples > 0) {
        size_t count = (size_t)std::min<int64_t>(samples, FRAME_SAMPLES);
        for (int16_t &sample : repeated) /* each repetition half as loud */
            sample = (int16_t)(sample / 2);
        append(conceal ? repeated : silence, count);
        samples -= (int64_t)count;
    }
}

void LegAudio::append(const int16_t *samples, size_t count)
{
    while (count) {
        if (!partial_size_ && count >= FRAME_SAMPLES) { /* the usual case: a packet of whole frames */
            frame(samples);
            samples += FRAME_SAMPLES;
            count -= FRAME_SAMPLES;
            continue;
        }
        size_t part = std::min<size_t>(count, FRAME_SAMPLES - partial_size_);
        std::memcpy(partial_ + partial_size_, samples, part * sizeof(int16_t));
        partial_size_ += part;
        samples += part;
        count -= part;
        if (partial_size_ == FRAME_SAMPLES) {
            partial_size_ = 0;
            frame(partial_);
        }
    }
}

void LegAudio::frame(const int16_t *samples)
{
    bool voiced = detector_.is_speech(samples);
    std::memcpy(last_, samples, sizeof(last_));
    ++counts_.heard;
    if (talking_) {
        talking_frame(samples, voiced);
    } else if (voiced) {
        talking_ = true;
        silent_frames_ = 0;
        now_.start = frame_ - before_.size();
        for (const auto &each : before_)
            add(each.data(), false);
        before_.clear();
        add(samples, true);
        ++frame_;
    } else {
        quiet_frame(samples);
    }
}

void LegAudio::quiet_frame(const int16_t *samples)
{
    /* Ahead of the clock: silence makes up for it, the oldest that may still be wanted first. */
    makes_up_ = lag_ < (makes_up_ ? -(double)FRAME_SAMPLES : -(double)OFF_SAMPLES);
    bool full = before_.size() == pre_roll_ || makes_up_;
    if (full && !before_.empty()) {
        before_.push_back(std::move(before_.front()));
        before_.pop_front();
        before_.back().assign(samples, samples + FRAME_SAMPLES);
    } else if (!full) {
        before_.emplace_back(samples, samples + FRAME_SAMPLES);
    }
    if (makes_up_)
        lag_ += FRAME_SAMPLES;
    else
        ++frame_;
}

void LegAudio::talking_frame(const int16_t *samples, bool voiced)
{
    add(samples, voiced);
    ++frame_;
    silent_frames_ = voiced ? 0 : silent_frames_ + 1;
    if (silent_frames_ >= hangover_) {
        emit(Stretch::speech);
        talking_ = false;
    } else if (now_.frames() >= STRETCH_FRAMES) {
        emit(Stretch::speech);
        now_.start = frame_;
    }
}

void LegAudio::hand_over()
{
    if (talking_ && now_.frames()) {
        emit(Stretch::speech);
        now_.start = frame_;
    }
}

void LegAudio::add(const int16_t *samples, bool voiced)
{
    now_.flags.push_back(voiced ? 1 : 0);
    now_.samples.insert(now_.samples.end(), samples, samples + FRAME_SAMPLES);
    if (!voiced)
        return;
    int64_t energy = 0;
    for (size_t i = 0; i < FRAME_SAMPLES; ++i) {
        int sample = samples[i];
        energy += (int64_t)sample * sample;
        now_.clipped += std::abs(sample) >= CLIPPED_SAMPLE;
    }
    now_.energy += (double)energy;
}

void LegAudio::emit(Stretch::Kind kind)
{
    Stretch stretch = std::move(now_);
    now_ = Stretch();
    stretch.kind = kind;
    stretch.anchor = anchor_;
    push(std::move(stretch));
}

void LegAudio::mark(Stretch::Kind kind)
{
    Stretch stretch = Stretch();
    if (!stretches.empty() && !stretches.back().frames()) /* what ended there ends here too */
        stretches.pop_back();
    stretch.kind = kind;
    stretch.start = frame_;
    stretch.anchor = anchor_;
    push(std::move(stretch));
}

void LegAudio::push(Stretch &&stretch)
{
    waiting_frames_ += stretch.frames();
    stretches.push_back(std::move(stretch));
    auto oldest = stretches.begin();
    while (waiting_frames_ > WAITING_FRAMES && oldest != stretches.end()) {
        if (!oldest->frames()) { /* a mark: the latest of several stays */
            ++oldest;
            continue;
        }
        counts_.dropped += oldest->frames();
        waiting_frames_ -= oldest->frames();
        oldest = stretches.erase(oldest);
        if (oldest != stretches.begin() && oldest != stretches.end() && !oldest->frames())
            oldest = stretches.erase(std::prev(oldest));
    }
}

/* Nothing was there until then: speech before it ends. */
void LegAudio::skip_to(uint64_t frame)
{
    if (talking_) {
        emit(Stretch::speech_ends);
        talking_ = false;
    }
    before_.clear();
    if (frame > frame_) {
        partial_size_ = 0;
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
    go_on(now, true);
    skip_to(begun_ ? frame_at(now) : frame_);
    paused_ = true;
    mark(Stretch::paused);
}

void LegAudio::resume(double now)
{
    follow_clock(now);
    begin(0, now);
    if (!paused_)
        return;
    paused_ = synchronized_ = makes_up_ = false;
    arrived_ = now;
    lag_ = 0;
    least_lag_ = HUGE_VAL;
    skip_to(frame_at(now));
    mark(Stretch::resumed);
}

void LegAudio::tick(double now)
{
    follow_clock(now);
    go_on(now, false);
    if (talking_ && now - heard_ >= (double)hangover_ / FRAMES_A_SECOND + STOPPED_SECONDS)
        skip_to(frame_); /* packets may be late and not lost: the leg's time stands until one tells */
}

uint64_t LegAudio::position(double now)
{
    bool silent = begun_ && !paused_ && now - heard_ >= SILENT_SECONDS;
    position_ = std::max({position_, frame_, silent ? frame_at(now) : 0});
    return position_;
}

/* Samples by which the leg is ahead of the clock. */
int64_t LegAudio::ahead(double now) const
{
    return (int64_t)(frame_ * FRAME_SAMPLES + partial_size_) - rounded((now - anchor_) * SAMPLE_RATE_HZ);
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
    if (lag_ > (double)OFF_SAMPLES && !talking_) {
        skip_to(frame_ + (uint64_t)(lag_ / FRAME_SAMPLES));
        lag_ = 0;
    }
}

} // namespace callvane

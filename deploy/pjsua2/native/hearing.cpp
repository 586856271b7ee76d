#include "hearing.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <vector>

#include <pjsua-lib/pjsua.h>

#include "ring_state.hpp"

namespace callvane {

namespace {

/* Of the calls of `take`: in each, another share of the rings is looked at for what time alone brings about. */
const size_t TICK_SHARES = 5;

/* The application's threads may have to make a codec. */
void be_known_to_library()
{
    static thread_local pj_thread_desc description;
    static thread_local pj_thread_t *thread;
    if (pjsua_get_state() != PJSUA_STATE_NULL && !pj_thread_is_registered())
        pj_thread_register("listener", description, &thread);
}

void add_grown(AudioCounts &totals, const LegCounts &before, const LegCounts &now)
{
    totals.heard += now.heard - before.heard;
    totals.lost += now.lost - before.lost;
    totals.late += now.late - before.late;
    totals.dropped += now.dropped - before.dropped;
    totals.undecodable += now.undecodable - before.undecodable;
    totals.foreign += now.foreign - before.foreign;
}

} // namespace

/* Moves stretches out to the application's memory. */
class Outlet {
public:
    Outlet(char *entries, size_t entries_size, char *audio, size_t audio_size)
        : count(0), entries_(entries), audio_(audio), room_(entries_size / sizeof(AudioEntry)), audio_room_(audio_size)
    {
    }

    bool add(unsigned ring, const Stretch &stretch)
    {
        size_t bytes = stretch.flags.size() + stretch.samples.size() * sizeof(int16_t);
        if (count == room_ || bytes > audio_room_)
            return false;
        AudioEntry head = {ring,          (unsigned)stretch.kind, (unsigned)stretch.frames(), stretch.clipped,
                           stretch.start, stretch.anchor,         stretch.energy};
        std::memcpy(entries_ + count * sizeof(head), &head, sizeof(head));
        copy(stretch.flags.data(), stretch.flags.size());
        copy(stretch.samples.data(), stretch.samples.size() * sizeof(int16_t));
        ++count;
        return true;
    }

    unsigned count;

private:
    void copy(const void *data, size_t size)
    {
        if (!size)
            return;
        std::memcpy(audio_, data, size);
        audio_ += size;
        audio_room_ -= size;
    }

    char *entries_, *audio_;
    size_t room_, audio_room_;
};

RingState::RingState(unsigned number, unsigned pre_roll, unsigned hangover, int aggressiveness, unsigned ahead)
    : number(number), audio(pre_roll, hangover, aggressiveness, ahead), listening(0), listed(false), told()
{
}

void RingState::tell()
{
    if (!audio.oldest() || !collector || listed)
        return;
    listed = true;
    std::lock_guard<std::mutex> lock(collector->guard);
    collector->ready.push_back(shared_from_this());
}

bool RingState::take(Outlet &out)
{
    const Stretch *oldest = audio.oldest();
    while (oldest && out.add(number, *oldest)) {
        audio.taken();
        oldest = audio.oldest();
    }
    return !oldest;
}

void RingState::count(CollectorState &by)
{
    LegCounts now = audio.counts();
    std::lock_guard<std::mutex> lock(by.guard);
    add_grown(by.totals, told, now);
    told = now;
}

AudioRing::AudioRing(unsigned number, unsigned preRoll, unsigned hangover, int aggressiveness, unsigned ahead)
    : state_(std::make_shared<RingState>(number, preRoll, hangover, aggressiveness, ahead))
{
}

AudioRing::~AudioRing() {}

void AudioRing::begin(double seconds, double now)
{
    std::lock_guard<std::mutex> lock(state_->guard);
    state_->audio.begin(seconds, now);
}

void AudioRing::pause(double now)
{
    std::lock_guard<std::mutex> lock(state_->guard);
    state_->audio.pause(now);
    state_->tell();
}

void AudioRing::resume(double now)
{
    std::lock_guard<std::mutex> lock(state_->guard);
    state_->audio.resume(now);
    state_->tell();
}

void AudioRing::setPayload(unsigned type, const char *encoding, unsigned clockHz, unsigned channels)
{
    std::lock_guard<std::mutex> lock(state_->guard);
    state_->audio.set_payload(type, encoding, clockHz, channels);
}

void AudioRing::receive(unsigned type, unsigned number, unsigned timestamp, unsigned source, const char *data,
                        size_t size, double now)
{
    Packet packet = {type, (uint16_t)number, timestamp, source, reinterpret_cast<const uint8_t *>(data), size};
    std::lock_guard<std::mutex> lock(state_->guard);
    state_->audio.packet(packet, now);
    state_->tell();
}

void AudioRing::put(const char *data, size_t size, double now)
{
    std::vector<int16_t> samples(size / sizeof(int16_t));
    if (!samples.empty())
        std::memcpy(samples.data(), data, samples.size() * sizeof(int16_t));
    std::lock_guard<std::mutex> lock(state_->guard);
    state_->audio.put(samples.data(), samples.size(), now);
    state_->tell();
}

unsigned AudioRing::take(char *entries, size_t entries_size, char *audio, size_t audio_size)
{
    be_known_to_library();
    Outlet out(entries, entries_size, audio, audio_size);
    std::lock_guard<std::mutex> lock(state_->guard);
    state_->audio.hand_over();
    state_->take(out);
    return out.count;
}

unsigned long long AudioRing::position(double now) const
{
    std::lock_guard<std::mutex> lock(state_->guard);
    return state_->audio.position(now);
}

AudioCounts AudioRing::counts() const
{
    AudioCounts counts = AudioCounts();
    std::lock_guard<std::mutex> lock(state_->guard);
    LegCounts now = state_->audio.counts();
    add_grown(counts, LegCounts(), now);
    counts.undecodableType = now.undecodable_type;
    counts.lagSeconds = state_->audio.lag_seconds();
    return counts;
}

AudioCollector::AudioCollector() : state_(std::make_shared<CollectorState>()) {}

void AudioCollector::add(AudioRing &ring)
{
    std::lock_guard<std::mutex> lock(ring.state_->guard);
    ring.state_->collector = state_;
    ring.state_->listed = false;
    {
        std::lock_guard<std::mutex> own(state_->guard);
        state_->rings.push_back(ring.state_);
    }
    ring.state_->tell();
}

void AudioCollector::remove(AudioRing &ring)
{
    std::lock_guard<std::mutex> lock(ring.state_->guard);
    if (ring.state_->collector != state_)
        return;
    ring.state_->count(*state_);
    ring.state_->collector.reset();
    std::lock_guard<std::mutex> own(state_->guard);
    auto &rings = state_->rings;
    auto found = std::find(rings.begin(), rings.end(), ring.state_);
    if (found != rings.end()) {
        *found = std::move(rings.back());
        rings.pop_back();
    }
}

void AudioCollector::tick(double now)
{
    std::vector<std::shared_ptr<RingState>> due;
    {
        std::lock_guard<std::mutex> lock(state_->guard);
        for (size_t i = state_->share; i < state_->rings.size(); i += TICK_SHARES)
            due.push_back(state_->rings[i]);
        state_->share = (state_->share + 1) % TICK_SHARES;
    }
    for (const auto &ring : due) {
        std::lock_guard<std::mutex> lock(ring->guard);
        if (ring->collector != state_)
            continue;
        ring->audio.tick(now);
        ring->count(*state_);
        ring->tell();
    }
}

unsigned AudioCollector::take(char *entries, size_t entries_size, char *audio, size_t audio_size, double now)
{
    be_known_to_library();
    tick(now);
    Outlet out(entries, entries_size, audio, audio_size);
    std::vector<std::shared_ptr<RingState>> ready, left;
    {
        std::lock_guard<std::mutex> lock(state_->guard);
        ready.swap(state_->ready);
    }
    for (const auto &ring : ready) {
        std::lock_guard<std::mutex> lock(ring->guard);
        if (ring->collector != state_ || !ring->listed)
            continue;
        if (ring->take(out))
            ring->listed = false;
        else
            left.push_back(ring);
    }
    if (!left.empty()) {
        std::lock_guard<std::mutex> lock(state_->guard);
        state_->ready.insert(state_->ready.begin(), left.begin(), left.end());
    }
    return out.count;
}

AudioCounts AudioCollector::totals() const
{
    std::lock_guard<std::mutex> lock(state_->guard);
    return state_->totals;
}

void loadSpeechEngine(const char *module) { load_speech_engine(module); }

} // namespace callvane

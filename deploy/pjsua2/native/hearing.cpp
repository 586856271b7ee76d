#include "hearing.hpp"

#include <algorithm>
#include <ctime>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

#include <pjsua-lib/pjsua.h>
#include <pjsua-lib/pjsua_internal.h>
#include <pjmedia/stream_receiver.h>

#include "leg_audio.hpp"

namespace callvane {

namespace {

/* Of the calls of `take`: in each, another share of the rings is looked at for what time alone brings about. */
const size_t TICK_SHARES = 5;

double wall_clock()
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The application's threads may have to make a codec. */
void be_known_to_library()
{
    static thread_local pj_thread_desc description;
    static thread_local pj_thread_t *thread;
    if (pjsua_get_state() != PJSUA_STATE_NULL && !pj_thread_is_registered())
        pj_thread_register("listener", description, &thread);
}

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

struct CollectorState {
    mutable std::mutex guard;
    std::vector<std::shared_ptr<RingState>> ready, rings;
    size_t share = 0;
    AudioCounts totals = AudioCounts();
};

/* Its guard is taken before its collector's, never the other way round. */
struct RingState : std::enable_shared_from_this<RingState> {
    RingState(unsigned number, unsigned pre_roll, unsigned hangover, int aggressiveness)
        : number(number), audio(pre_roll, hangover, aggressiveness), listening(0), listed(false), told()
    {
    }

    const unsigned number;
    mutable std::mutex guard;
    LegAudio audio;
    unsigned listening; /* which attachment counts; the library may let go of earlier ones later */
    bool listed; /* among the collector's ready ones */
    std::shared_ptr<CollectorState> collector;
    LegCounts told; /* what the collector has counted of it */

    /* Lets the collector know that there is something. */
    void tell()
    {
        if (audio.stretches.empty() || !collector || listed)
            return;
        listed = true;
        std::lock_guard<std::mutex> lock(collector->guard);
        collector->ready.push_back(shared_from_this());
    }

    /* Whether all was taken. */
    bool take(Outlet &out)
    {
        while (!audio.stretches.empty() && out.add(number, audio.stretches.front())) {
            audio.taken(audio.stretches.front().frames());
            audio.stretches.pop_front();
        }
        return audio.stretches.empty();
    }

    void count(CollectorState &by)
    {
        LegCounts now = audio.counts();
        std::lock_guard<std::mutex> lock(by.guard);
        add_grown(by.totals, told, now);
        told = now;
    }
};

namespace {

/* What a stream holds of the ring that listens to it. */
struct Attachment {
    std::shared_ptr<RingState> ring;
    unsigned number;
};

void on_rtp(void *user, const pjmedia_rtp_hdr *header, const void *payload, unsigned size)
{
    const Attachment &attachment = *static_cast<Attachment *>(user);
    RingState &ring = *attachment.ring;
    Packet packet = {header->pt,
                     pj_ntohs(header->seq),
                     pj_ntohl(header->ts),
                     pj_ntohl(header->ssrc),
                     static_cast<const uint8_t *>(payload),
                     size};
    double now = wall_clock();
    std::lock_guard<std::mutex> lock(ring.guard);
    if (ring.listening != attachment.number)
        return;
    ring.audio.packet(packet, now);
    ring.tell();
}

void on_gone(void *user) { delete static_cast<Attachment *>(user); }

pjsua_call_media *media_of(int call, unsigned stream)
{
    if (call < 0 || call >= (int)pjsua_var.ua_cfg.max_calls || stream >= pjsua_var.calls[call].med_cnt)
        return nullptr;
    pjsua_call_media *media = &pjsua_var.calls[call].media[stream];
    return media->type == PJMEDIA_TYPE_AUDIO ? media : nullptr;
}

/* All that the other side's m-line offers: it may send any of it later. */
Payloads offered(int call, unsigned stream)
{
    Payloads payloads;
    const pjmedia_sdp_session *remote = nullptr;
    pjsip_inv_session *invite = pjsua_var.calls[call].inv;
    if (!invite || !invite->neg || pjmedia_sdp_neg_get_active_remote(invite->neg, &remote) != PJ_SUCCESS ||
        stream >= remote->media_count)
        return payloads;
    payloads.set(9, "g722", SAMPLE_RATE_HZ, 1); /* static (RFC 3551) */
    const pjmedia_sdp_media *media = remote->media[stream];
    for (unsigned i = 0; i < media->attr_count; ++i) {
        pjmedia_sdp_rtpmap map;
        if (pj_strcmp2(&media->attr[i]->name, "rtpmap") || pjmedia_sdp_attr_get_rtpmap(media->attr[i], &map) != PJ_SUCCESS)
            continue;
        unsigned channels = map.param.slen ? (unsigned)pj_strtoul(&map.param) : 1;
        payloads.set((unsigned)pj_strtoul(&map.pt), std::string(map.enc_name.ptr, (size_t)map.enc_name.slen),
                     map.clock_rate, channels);
    }
    return payloads;
}

} // namespace

AudioRing::AudioRing(unsigned number, unsigned preRoll, unsigned hangover, int aggressiveness)
    : state_(std::make_shared<RingState>(number, preRoll, hangover, aggressiveness))
{
}

AudioRing::~AudioRing() {}

bool AudioRing::listen(int call, unsigned stream)
{
    PJSUA_LOCK();
    pjsua_call_media *media = media_of(call, stream);
    pjmedia_stream *heard = media ? media->strm.a.stream : nullptr;
    if (heard) { /* a stream that goes on may have been offered further types */
        Payloads payloads = offered(call, stream);
        std::lock_guard<std::mutex> lock(state_->guard);
        state_->audio.set_payloads(std::move(payloads));
    }
    if (heard && !listens_to(heard)) {
        Attachment *attachment = new Attachment{state_, 0};
        {
            std::lock_guard<std::mutex> lock(state_->guard);
            attachment->number = ++state_->listening;
        }
        pjmedia_stream_receiver receiver = {attachment, &on_rtp, &on_gone};
        pjmedia_stream_set_receiver(heard, &receiver);
    }
    PJSUA_UNLOCK();
    return heard != nullptr;
}

bool AudioRing::listens_to(pjmedia_stream *stream) const
{
    pjmedia_stream_receiver receiver;
    pjmedia_stream_get_receiver(stream, &receiver);
    if (receiver.on_rtp != &on_rtp)
        return false;
    const Attachment &attachment = *static_cast<Attachment *>(receiver.user_data);
    std::lock_guard<std::mutex> lock(state_->guard);
    return attachment.ring == state_ && attachment.number == state_->listening;
}

void AudioRing::ignore()
{
    std::lock_guard<std::mutex> lock(state_->guard);
    ++state_->listening;
    state_->audio.set_payloads(Payloads()); /* the library may be gone before the ring */
}

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

unsigned AudioRing::take(char *entries, size_t entries_size, char *audio, size_t audio_size)
{
    be_known_to_library();
    Outlet out(entries, entries_size, audio, audio_size);
    std::lock_guard<std::mutex> lock(state_->guard);
    state_->audio.hand_over();
    state_->take(out);
    return out.count;
}

StreamCounts streamCounts(int call, unsigned stream)
{
    StreamCounts counts = StreamCounts();
    PJSUA_LOCK();
    pjsua_call_media *media = media_of(call, stream);
    if (media && media->strm.a.stream) {
        pjmedia_rtcp_stat statistics;
        pjmedia_transport_info info;
        pjmedia_stream_get_stat(media->strm.a.stream, &statistics);
        counts.there = true;
        counts.packets = statistics.rx.pkt;
        counts.missed = statistics.rx.loss;
        counts.jitterSeconds = statistics.rx.jitter.last / 1e6;
        pjmedia_transport_info_init(&info);
        if (pjmedia_transport_get_info(media->tp, &info) == PJ_SUCCESS && pj_sockaddr_has_addr(&info.src_rtp_name)) {
            char source[PJ_INET6_ADDRSTRLEN + 10];
            counts.source = pj_sockaddr_print(&info.src_rtp_name, source, sizeof(source), 3);
        }
    }
    PJSUA_UNLOCK();
    return counts;
}

int rtpDescriptor(int call, unsigned stream)
{
    int found = -1;
    PJSUA_LOCK();
    pjsua_call_media *media = media_of(call, stream);
    if (media && media->tp) {
        pjmedia_transport_info info;
        pjmedia_transport_info_init(&info);
        if (pjmedia_transport_get_info(media->tp, &info) == PJ_SUCCESS && info.sock_info.rtp_sock != PJ_INVALID_SOCKET)
            found = (int)info.sock_info.rtp_sock;
    }
    PJSUA_UNLOCK();
    return found;
}

void loadSpeechEngine(const char *module) { load_speech_engine(module); }

} // namespace callvane

#include "streams.hpp"

#include <ctime>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <pjsua-lib/pjsua.h>
#include <pjsua-lib/pjsua_internal.h>
#include <pjmedia/stream_common.h>
#include <pjmedia/stream_receiver.h>

#include "hearing.hpp"
#include "ring_state.hpp"

namespace callvane {

namespace {

double wall_clock()
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

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

/* Whose attachment a stream has; none where nobody listens to it. */
const Attachment *attachment_of(pjmedia_stream *stream)
{
    pjmedia_stream_receiver receiver;
    pjmedia_stream_get_receiver(stream, &receiver);
    return receiver.on_rtp == &on_rtp ? static_cast<const Attachment *>(receiver.user_data) : nullptr;
}

bool listens(const std::shared_ptr<RingState> &ring, pjmedia_stream *stream)
{
    const Attachment *attachment = attachment_of(stream);
    if (!attachment)
        return false;
    std::lock_guard<std::mutex> lock(ring->guard);
    return attachment->ring == ring && attachment->number == ring->listening;
}

/* What a socket has dropped for want of room, or by its filter. */
unsigned long long dropped_by(pj_sock_t socket)
{
    unsigned values[SK_MEMINFO_VARS] = {0};
    socklen_t size = sizeof(values);
    return getsockopt((int)socket, SOL_SOCKET, SO_MEMINFO, values, &size) ? 0 : values[SK_MEMINFO_DROPS];
}

void add_ring(StreamCounts &counts, pjmedia_stream *stream)
{
    const Attachment *attachment = attachment_of(stream);
    if (!attachment)
        return;
    const RingState &ring = *attachment->ring;
    std::lock_guard<std::mutex> lock(ring.guard);
    if (ring.listening != attachment->number)
        return;
    LegCounts heard = ring.audio.counts();
    counts.ring = ring.number;
    counts.late = heard.late;
    counts.undecodable = heard.undecodable;
    counts.undecodable_type = heard.undecodable_type;
}

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
    if (heard && !listens(state_, heard)) {
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

void AudioRing::ignore()
{
    std::lock_guard<std::mutex> lock(state_->guard);
    ++state_->listening;
    state_->audio.set_payloads(Payloads()); /* the library may be gone before the ring */
}

StreamCounts streamCounts(int call, unsigned stream)
{
    StreamCounts counts = StreamCounts();
    counts.ring = -1;
    PJSUA_LOCK();
    pjsua_call_media *media = media_of(call, stream);
    if (media && media->strm.a.stream) {
        pjmedia_rtcp_stat statistics;
        pjmedia_transport_info info;
        pjmedia_stream_get_stat(media->strm.a.stream, &statistics);
        counts.there = true;
        counts.packets = statistics.rx.pkt;
        counts.missed = statistics.rx.loss;
        counts.reports = reinterpret_cast<pjmedia_stream_common *>(media->strm.a.stream)->rtcp_received;
        counts.jitter_seconds = statistics.rx.jitter.last / 1e6;
        pjmedia_transport_info_init(&info);
        if (pjmedia_transport_get_info(media->tp, &info) == PJ_SUCCESS && pj_sockaddr_has_addr(&info.src_rtp_name)) {
            char source[PJ_INET6_ADDRSTRLEN + 10];
            counts.source = pj_sockaddr_print(&info.src_rtp_name, source, sizeof(source), 3);
        }
        if (info.sock_info.rtp_sock != PJ_INVALID_SOCKET)
            counts.dropped = dropped_by(info.sock_info.rtp_sock);
        add_ring(counts, media->strm.a.stream);
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

} // namespace callvane

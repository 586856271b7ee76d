#include "packet_order.hpp"

#include <algorithm>
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

} // namespace

PacketOrder::PacketOrder(Receiver &receiver)
    : receiver_(receiver), synchronized_(false), probing_(false), next_number_(0), probed_number_(0), base_(0),
      repeated_(0), source_(0), other_source_(0), other_packets_(0), arrived_(0), foreign_(0)
{
}

void PacketOrder::packet(const Packet &packet, double now)
{
    if (!is_of_source(packet, now))
        return;
    arrived_ = now;
    sort(packet, now);
}

/* Two senders at once would be heard as noise, and a stranger could speak on the leg: the first is kept while it goes
 * on. A PBX that changes its source stops the old one. */
bool PacketOrder::is_of_source(const Packet &packet, double now)
{
    if (!synchronized_ || packet.source == source_) {
        other_packets_ = 0;
        source_ = packet.source;
        return true;
    }
    other_packets_ = packet.source == other_source_ ? other_packets_ + 1 : 1;
    other_source_ = packet.source;
    if (now - arrived_ < SOURCE_SECONDS || other_packets_ < OTHER_PACKETS) {
        ++foreign_;
        return false;
    }
    give_up();
    begin_anew();
    other_packets_ = 0;
    source_ = packet.source;
    return true;
}

void PacketOrder::sort(const Packet &packet, double now)
{
    bool begins = !synchronized_;
    if (begins) {
        synchronized_ = true;
        probing_ = false;
        repeated_ = 0;
        given_up_.reset();
        next_number_ = packet.number;
    }
    int distance = (int16_t)(uint16_t)(packet.number - next_number_);
    if (distance >= 0 && distance < MOST_AHEAD)
        repeated_ = 0;
    if (distance == 0) {
        hand_on(packet, {now, 0, begins});
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
void PacketOrder::behind(const Packet &packet, unsigned distance, double now)
{
    if (given_up_[distance - 1]) {
        given_up_[distance - 1] = false;
        receiver_.late();
    } else if (++repeated_ >= REPEATED_PACKETS) {
        start_anew(packet, now);
    }
}

/* The sender numbers its packets anew. */
void PacketOrder::start_anew(const Packet &packet, double now)
{
    give_up();
    begin_anew();
    sort(packet, now);
}

void PacketOrder::hold(const Packet &packet, double now)
{
    uint64_t number = base_ + (uint16_t)(packet.number - next_number_);
    held_.emplace((uint32_t)number,
                  Held{packet, now, std::vector<uint8_t>(packet.payload, packet.payload + packet.size)});
}

/* Hands on what is next, and what follows a packet that is waited for no longer. */
void PacketOrder::go_on(double now, bool give_up)
{
    while (!held_.empty()) {
        auto first = held_.begin();
        uint32_t distance = first->first - (uint32_t)base_;
        if (distance) {
            bool waits = held_.size() < REORDER_PACKETS && now - first->second.arrived < REORDER_SECONDS;
            if (waits && !give_up)
                return;
            skip(distance);
        }
        Held held = std::move(first->second);
        held_.erase(first);
        held.packet.payload = held.payload.data();
        hand_on(held.packet, {held.arrived, distance, false});
    }
}

void PacketOrder::skip(uint32_t packets)
{
    base_ += packets;
    next_number_ = (uint16_t)(next_number_ + packets);
    given_up_ <<= packets;
    for (uint32_t i = 0; i < std::min<uint32_t>(packets, MOST_BEHIND); ++i)
        given_up_.set(i);
}

void PacketOrder::hand_on(const Packet &packet, const Place &place)
{
    ++next_number_, ++base_;
    given_up_ <<= 1;
    receiver_.next(packet, place);
}

void PacketOrder::set_back(double seconds)
{
    arrived_ -= seconds;
    for (auto &each : held_)
        each.second.arrived -= seconds;
}

} // namespace callvane

/* Addresses of peers and networks of them, IPv4 within IPv6 as `::ffff:0:0/96`. */
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include <pj/addr_resolv.h>
#include <pj/sock.h>
#include <pj/string.h>

namespace callvane {

class PeerAddress {
public:
    explicit PeerAddress(const pj_sockaddr &from) : bytes_()
    {
        if (from.addr.sa_family == pj_AF_INET6())
            std::memcpy(bytes_, &from.ipv6.sin6_addr, sizeof(bytes_));
        else
            set_v4(&from.ipv4.sin_addr);
    }

    /* An address as text. Throws std::runtime_error where it is none. */
    explicit PeerAddress(const std::string &from) : bytes_()
    {
        pj_str_t text = {const_cast<char *>(from.data()), (pj_ssize_t)from.size()};
        pj_in_addr v4;
        if (pj_inet_pton(pj_AF_INET(), &text, &v4) == PJ_SUCCESS)
            set_v4(&v4);
        else if (pj_inet_pton(pj_AF_INET6(), &text, bytes_) != PJ_SUCCESS)
            throw std::runtime_error("no address: " + from);
    }

    bool is_v4() const
    {
        static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
        return !std::memcmp(bytes_, prefix, sizeof(prefix));
    }

    bool agrees(const PeerAddress &other, unsigned bits) const
    {
        unsigned whole = bits / 8, rest = bits % 8;
        if (std::memcmp(bytes_, other.bytes_, whole))
            return false;
        return !rest || !((bytes_[whole] ^ other.bytes_[whole]) >> (8 - rest));
    }

    /* Whether it is the same host: one with IPv6 has a whole /64 to send from. */
    bool operator==(const PeerAddress &other) const { return agrees(other, is_v4() ? 128 : 64); }

    std::string text() const
    {
        char buffer[PJ_INET6_ADDRSTRLEN];
        bool v4 = is_v4();
        const void *from = v4 ? bytes_ + 12 : bytes_;
        return pj_inet_ntop(v4 ? pj_AF_INET() : pj_AF_INET6(), from, buffer, sizeof(buffer)) == PJ_SUCCESS ? buffer
                                                                                                          : "";
    }

private:
    void set_v4(const void *address)
    {
        bytes_[10] = bytes_[11] = 0xff;
        std::memcpy(bytes_ + 12, address, 4);
    }

    uint8_t bytes_[16];
};

/* `address` or `address/bits`. */
class PeerNetwork {
public:
    explicit PeerNetwork(const std::string &from) : address_(from.substr(0, from.find('/'))), bits_(128)
    {
        size_t slash = from.find('/');
        if (slash == std::string::npos)
            return;
        unsigned bits = (unsigned)std::strtoul(from.c_str() + slash + 1, nullptr, 10);
        bits_ = address_.is_v4() ? 96 + bits : bits;
        if (bits_ > 128)
            throw std::runtime_error("no network: " + from);
    }

    bool contains(const PeerAddress &peer) const { return address_.agrees(peer, bits_); }

private:
    PeerAddress address_;
    unsigned bits_;
};

} // namespace callvane

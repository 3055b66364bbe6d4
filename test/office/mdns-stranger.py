# A stranger on the LAN: sends packets of multicast DNS from port 5353 of one address to the group, as lines on stdin say,
# each a JSON document {"packet": <hex>, "times": 1, "everyMs": 0, "to": [<address>, <port>]}, and tells what was sent. What
# comes to it alone is told too: {"from": <address>, "packet": <hex>}. Usage: mdns-stranger.py <own address> [<port>]
import json, socket, sys, threading, time

GROUP = ("224.0.0.251", 5353)
own, port = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5353
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
# Bound to its own address, so that what goes to the group does not come here.
sender.bind((own, port))
sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)


def tell(**line):
    print(json.dumps(line), flush=True)


def listen():
    while True:
        packet, (address, _) = sender.recvfrom(9000)
        tell(**{"from": address, "packet": packet.hex()})


threading.Thread(target=listen, daemon=True).start()
tell(listening=True)
for number, line in enumerate(sys.stdin):
    order = json.loads(line)
    packet = bytes.fromhex(order["packet"])
    for time_number in range(order.get("times", 1)):
        if time_number > 0:
            time.sleep(order.get("everyMs", 0) / 1000)
        sender.sendto(packet, tuple(order.get("to", GROUP)))
    tell(sent=number, at=int(time.time() * 1000))

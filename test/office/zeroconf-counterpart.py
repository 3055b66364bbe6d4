# python-zeroconf as a stranger on the LAN: `browse` tells each _nethood._tcp instance that comes and goes as JSON
# lines; `publish <name> <port> <id> <address>` announces one. SIGTERM says goodbye.
import json, signal, socket, sys, threading
from zeroconf import ServiceBrowser, ServiceInfo, ServiceListener, Zeroconf

TYPE = "_nethood._tcp.local."


def tell(**line):
    print(json.dumps(line), flush=True)


class Listener(ServiceListener):
    def add_service(self, zc, type_, name):
        info = zc.get_service_info(type_, name, 3000)
        if info is not None:
            txt = {key.decode(): (value or b"").decode() for key, value in info.properties.items()}
            tell(up={"name": name, "port": info.port, "server": info.server, "txt": txt, "addresses": info.parsed_addresses()})

    update_service = add_service

    def remove_service(self, zc, type_, name):
        tell(down={"name": name})


ended = threading.Event()
# Before it publishes: whoever sees it may end it at once.
signal.signal(signal.SIGTERM, lambda *_: ended.set())
zc = Zeroconf()
if sys.argv[1] == "publish":
    name, port, ident, address = sys.argv[2:6]
    info = ServiceInfo(
        TYPE, f"{name}.{TYPE}", port=int(port), server=f"{ident[:8]}.local.",
        addresses=[socket.inet_aton(address)], properties={"id": ident, "v": "1", "name": name})
    zc.register_service(info)
    tell(published=name)
else:
    ServiceBrowser(zc, TYPE, Listener())
ended.wait()
zc.unregister_all_services()
zc.close()

"""The daemon's hints, what to do after a failure, in the language in use; one of another form stays as it is."""

from modelctl.language.catalogue import marked
from modelctl.language.templates import translated

TEMPLATES = (
    # models
    marked("Check the path, and who may read its folders."),
    marked("Check who may write to its folder, then try again."),
    marked("Download it again, or add another file."),
    marked("Put all parts into one folder, under the names they were published by."),
    # sources
    marked("Set allow_http = true if you accept that."),
    marked("Set allow_private_redirects = true if that is your own mirror."),
    # hubs
    marked("See what there is: modelctl files hf:{repo}"),
    marked("Make a new one at {address}, put it there, and restart the daemon; or take it away."),
    marked("Ask for access at {address}, set HF_TOKEN to a token of your account, and restart the daemon."),
    marked("Ask for access at {address}, then set HF_TOKEN to a token of yours and pull again."),
    marked("Ask for access at {address}, then pull again."),
    marked("Check its name: modelctl search {words}. If it is private, set HF_TOKEN to a token that may read it."),
    marked("Check its name: modelctl search {words}."),
    marked("In {seconds} s it does again. With a token (HF_TOKEN) the limit is higher."),
    marked("In {seconds} s it does again."),
    marked("Try again in some minutes. With a token (HF_TOKEN) the limit is higher."),
    marked("Try again in some minutes."),
    marked("Is it a hub at all?"),
    marked("It may be a page that asks to log in, or HF_ENDPOINT names no hub."),
    marked("Check the network, and HF_ENDPOINT and the proxy if you set them."),
    # downloads
    marked("Pull again."),
    marked("Stop that one first."),
    marked("Check the address."),
    marked("Check the address in a browser."),
    marked("Check the address; if it needs a token, set HF_TOKEN and restart the daemon."),
    marked("Check the name of the file."),
    marked("Check the network and the address; pull again to go on where it stopped."),
    marked("Check the clock of this machine; if you trust the server's own certificates, name them by SSL_CERT_FILE."),
    marked("Check this machine's clock; certificates of your own are named by SSL_CERT_FILE."),
    marked("Check the folder and who may write there; the setting models_dir names another one."),
    marked("Make room, or set models_dir to a larger disk; what is there is kept."),
    marked("Make room, then pull again: it goes on where it stopped."),
    marked("Do not trust this address; find another one."),
    marked("Open the address in a browser."),
    marked("The address is wrong, or its server is; open it in a browser."),
    marked("It may be a page that asks to log in: open the address in a browser."),
    marked("The server or a proxy on the way is misconfigured."),
    marked("Put user and password into HTTPS_PROXY or HTTP_PROXY, and restart the daemon."),
    marked("Its servers do not agree with each other; pull again later, or from another address."),
    marked("Nothing was downloaded. The file there is another one: check the address, or pull with its hash."),
    marked("Nothing was downloaded. The file there is another one: check the address."),
    marked("It was kept as {name} and is not used. The source is wrong, or the expected hash: check both."),
    marked("It was kept as {name}. Check the address."),
    # memory and answers
    marked("Choose a smaller context."),
    marked("Load it with a larger context."),
    marked("The file may be damaged, or too new."),
    marked("Some templates allow no system message or want turns that alternate; or use generate."),
    # the daemon
    marked("See modelctl logs."),
    marked("Try again later."),
    marked("Mend the settings file, and try again."),
    marked("Check the disk: modelctl doctor"),
)


def said(hint: str) -> str:
    """``hint`` in the language in use."""
    return translated(hint, TEMPLATES)
